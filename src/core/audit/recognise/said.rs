//! What the words of a line say, as far as they are the writer's own.

use std::borrow::Cow;

use super::super::event::{Event, Level, Outcome};
use super::super::fields::Slot;
use super::super::text::{self, Postgres};
use super::super::words::Said;
use super::{Draft, Recogniser, Shape, stated_outcome};

/// What a text is judged beside.
#[derive(Clone, Copy)]
struct Line<'a, 'l> {
    draft: &'a Draft<'l>,
    status: Option<u16>,
}

impl Recogniser {
    /// What action, message and reason say.
    pub(super) fn said(
        &mut self,
        draft: &Draft<'_>,
        event: &Event<'_>,
        status: Option<u16>,
    ) -> Said {
        let line = Line { draft, status };
        let mut named = event
            .action
            .as_ref()
            .map_or_else(Said::default, |action| self.named(action, line));
        if let Some(verb) = draft.fields.text(Slot::Verb)
            && event.action.as_deref() != Some(&*verb)
        {
            named = named.and(self.named(&verb, line));
        }
        let mut told = match &event.message {
            Some(message) => self.told(message, line),
            None => Said::default(),
        };
        // Most messages are about nothing of this.
        if told.is_about_access() {
            if self.is_named_otherwise(draft, event, status, named) {
                told = Said::default();
            }
            if matches!(status, Some(200..300)) {
                told.rate_limit = false;
                told.auth &= !told.failure;
            }
        }
        if let Some(reason) = &event.reason {
            told = told.and(self.words.read(reason));
        }
        if (told.failure || told.rate_limit) && self.is_login_that_went_well(draft, event, named) {
            (told.failure, told.rate_limit, told.refused) = (false, false, false);
        }
        named.and(told)
    }

    /// Whether a field names a login, and the name or another field says that it went well: then a text
    /// that speaks of failures before, or of a limiter, is about something else.
    fn is_login_that_went_well(
        &mut self,
        draft: &Draft<'_>,
        event: &Event<'_>,
        named: Said,
    ) -> bool {
        named.auth
            && !named.failure
            && event.level < Some(Level::Warn)
            && match stated_outcome(&draft.fields, &mut self.outcomes) {
                Some(outcome) => outcome == Outcome::Success,
                None => event.action.as_deref().is_some_and(ends_in_success),
            }
    }

    /// What the name of an event says.
    fn named(&mut self, name: &str, line: Line<'_, '_>) -> Said {
        let said = self.words.read(name);
        self.without_targets(name, said, line)
    }

    /// What a text says without the paths that were asked for. Of what failed they tell what it was, unless
    /// a status does.
    fn without_targets(&mut self, text: &str, said: Said, line: Line<'_, '_>) -> Said {
        if said == Said::default() {
            return said;
        }
        let Some(rest) = text::without_targets(text) else {
            return said;
        };
        let rest = self.words.read(&rest);
        let failed = rest.failure
            || stated_outcome(&line.draft.fields, &mut self.outcomes) == Some(Outcome::Failure);
        if failed && line.status.is_none() {
            said
        } else {
            rest
        }
    }

    /// Whether a field names something else than a login, and it went well or is somebody's text: then the
    /// message is free to talk about logins.
    fn is_named_otherwise(
        &mut self,
        draft: &Draft<'_>,
        event: &Event<'_>,
        status: Option<u16>,
        named: Said,
    ) -> bool {
        matches!(draft.shape, Shape::Json | Shape::Pairs)
            && !named.is_about_access()
            && event.level < Some(Level::Warn)
            && status.is_none_or(|status| status < 400)
            && event.action.as_deref().is_some_and(|action| {
                let outcome = stated_outcome(&draft.fields, &mut self.outcomes);
                match outcome {
                    Some(Outcome::Failure) => false,
                    Some(Outcome::Success) => names_something(action) || is_talk(action),
                    None => is_talk(action),
                }
            })
    }

    /// What a message says, without what it only quotes.
    fn told(&mut self, message: &str, line: Line<'_, '_>) -> Said {
        let said = self.words.read(message);
        // Few lines say anything, and fewer quote it.
        if said == Said::default() {
            return said;
        }
        let own = match line.draft.shape {
            Shape::Web => text::without_names(message),
            Shape::Text => match text::postgres(message) {
                Some(Postgres::Statement) => return Said::default(),
                Some(Postgres::Own) => text::without_names(message),
                None => text::without_quotes(message),
            },
            _ => Cow::Borrowed(message),
        };
        let said = match &own {
            Cow::Borrowed(_) => said,
            Cow::Owned(own) => self.words.read(own),
        };
        self.without_targets(&own, said, line)
    }
}

/// Whether the last word of a name is that it went well: `auth.success`, `LOGIN_SUCCEEDED`.
fn ends_in_success(name: &str) -> bool {
    const WENT_WELL: [&str; 3] = ["success", "succeeded", "successful"];
    let last = name.rsplit(|c: char| !c.is_alphanumeric()).next();
    last.is_some_and(|last| WENT_WELL.iter().any(|word| word.eq_ignore_ascii_case(last)))
}

/// Whether an action is about what people and models write, which may be about anything.
fn is_talk(action: &str) -> bool {
    const TALK: [&str; 10] = [
        "message",
        "messages",
        "chat",
        "tool",
        "tools",
        "prompt",
        "completion",
        "conversation",
        "search",
        "comment",
    ];
    action
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| TALK.iter().any(|it| it.eq_ignore_ascii_case(word)))
}

/// Whether an action says what happened: some loggers write there that something was logged, or a number.
pub(super) fn names_something(action: &str) -> bool {
    const GENERAL: [&str; 22] = [
        "log",
        "logs",
        "logging",
        "event",
        "events",
        "audit",
        "access",
        "message",
        "record",
        "entry",
        "security",
        "system",
        "syslog",
        "application",
        "app",
        "user",
        "account",
        "http",
        "https",
        "request",
        "response",
        "notification",
    ];
    let is_general = |word: &str| {
        word.len() < 3
            || word.bytes().any(|byte| byte.is_ascii_digit())
            || GENERAL.iter().any(|it| it.eq_ignore_ascii_case(word))
            || Level::from_word(word).is_some()
    };
    action
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| !is_general(word))
}
