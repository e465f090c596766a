//! The bytes of a ClientHello.

use super::Version;

/// The bytes of a ClientHello in one record.
pub(in crate::probe) fn client_hello(
    version: Version,
    suites: &[u16],
    server_name: Option<&str>,
    random: [u8; 32],
) -> Vec<u8> {
    let mut body = version.0.to_be_bytes().to_vec();
    body.extend(random);
    body.push(0);
    let mut ids: Vec<u8> = suites.iter().flat_map(|id| id.to_be_bytes()).collect();
    if version == Version::SSL3 {
        // SSL 3.0 has no extensions; this suite value says the same as renegotiation_info.
        ids.extend([0x00, 0xff]);
    }
    body.extend(sized16(&ids));
    body.extend([1, 0]);
    if version != Version::SSL3 {
        body.extend(sized16(&extensions(server_name)));
    }
    let mut message = vec![1];
    message.extend(&length(body.len())[1..]);
    message.extend(body);
    let record_version = version.min(Version::TLS10);
    let mut record = vec![22];
    record.extend(record_version.0.to_be_bytes());
    record.extend(sized16(&message));
    record
}

fn extensions(server_name: Option<&str>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut add = |kind: u16, content: Vec<u8>| {
        all.extend(kind.to_be_bytes());
        all.extend(sized16(&content));
    };
    if let Some(name) = server_name {
        let entry = [&[0][..], &sized16(name.as_bytes())].concat();
        add(0, sized16(&entry));
    }
    // x25519, P-256, P-384, P-521, x448, P-224, P-192
    let groups: Vec<u8> = [29u16, 23, 24, 25, 30, 21, 19]
        .iter()
        .flat_map(|group| group.to_be_bytes())
        .collect();
    add(10, sized16(&groups));
    add(11, vec![1, 0]);
    // ECDSA, RSA-PSS, RSA and DSA with SHA-512 down to SHA-1
    let signatures: Vec<u8> = [
        0x0403u16, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601,
        0x0203, 0x0201, 0x0402, 0x0202,
    ]
    .iter()
    .flat_map(|scheme| scheme.to_be_bytes())
    .collect();
    add(13, sized16(&signatures));
    add(0xff01, vec![0]);
    all
}

pub(super) fn length(size: usize) -> [u8; 4] {
    u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes()
}

/// The bytes behind their length in two bytes.
pub(super) fn sized16(bytes: &[u8]) -> Vec<u8> {
    [&length(bytes.len())[2..], bytes].concat()
}
