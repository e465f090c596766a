//! `gateway: { auth: { token: "…" } }` of upstream's configuration, on as many lines as it takes.

use std::ops::Range;

use super::{Found, REACH, is_password};
use crate::key_shapes::KEY_SHAPES;

/// So far behind the word `gateway` its fields are looked for.
const LONGEST_OBJECT: usize = 4 * REACH;

/// The secrets of the objects that begin in one place of the text.
pub(super) fn gateway_objects(text: &[u8], place: &Range<usize>) -> Vec<Found> {
    let mut found = Vec::new();
    // What one object holds, no other one holds, so that each byte is looked at once.
    let mut from = place.start;
    let mut without_auth = place.start;
    while from < place.end
        && let Some(gateway) = opened(text, from..place.end, b"gateway")
    {
        let most = (gateway + LONGEST_OBJECT).min(text.len());
        let Some(auth) = opened(text, gateway.max(without_auth)..most, b"auth") else {
            from = gateway;
            without_auth = most;
            continue;
        };
        let body = object_body(&text[..most], auth);
        for (field, id) in [
            (b"token".as_slice(), "openclaw-gateway-token"),
            (b"password", "openclaw-gateway-password"),
        ] {
            let value = field_value(text, body.clone(), field);
            let value = value.filter(|value| is_password(&text[value.clone()], true));
            let shape = KEY_SHAPES.iter().find(|shape| shape.id == id);
            if let (Some(value), Some(shape)) = (value, shape) {
                found.push((value, shape));
            }
        }
        from = body.end;
    }
    found
}

/// Behind the brace that opens the object called `name`, whose name stands in `region`.
fn opened(text: &[u8], region: Range<usize>, name: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(text.get(region.clone())?, name).find_map(|at| {
        let after = region.start + at + name.len();
        let glue = glue_at(&text[after..]);
        let has_colon = text[after..after + glue].contains(&b':');
        (has_colon && text.get(after + glue) == Some(&b'{')).then_some(after + glue + 1)
    })
}

fn glue_at(text: &[u8]) -> usize {
    let text = text.iter().take(REACH);
    text.take_while(|byte| b" \t\r\n\"':\\".contains(byte))
        .count()
}

/// Up to the brace that closes what was opened before `start`.
fn object_body(text: &[u8], start: usize) -> Range<usize> {
    let mut depth = 1;
    for (at, byte) in text.iter().enumerate().skip(start) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return start..at;
        }
    }
    start..text.len().max(start)
}

fn field_value(text: &[u8], body: Range<usize>, field: &[u8]) -> Option<Range<usize>> {
    memchr::memmem::find_iter(&text[body.clone()], field)
        .map(|at| body.start + at + field.len())
        .find_map(|after| {
            let glue = glue_at(&text[after..body.end]);
            text[after..after + glue]
                .contains(&b':')
                .then_some(after + glue)
        })
        .and_then(|start| {
            let length = text[start..body.end]
                .iter()
                .position(|byte| b"\"'\n\\".contains(byte))?;
            Some(start..start + length)
        })
}
