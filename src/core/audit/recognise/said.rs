//! What the words of a line say, as far as they are the writer's own.

use std::borrow::Cow;

use super::super::event::Event;
use super::super::fields::Slot;
use super::super::text::{self, Postgres};
use super::super::words::Said;
use super::{Draft, Recogniser, Shape};

impl Recogniser {
    /// What action, message and reason say.
    pub(super) fn said(&mut self, draft: &Draft<'_>, event: &Event<'_>) -> Said {
        let mut named = event
            .action
            .as_ref()
            .map_or_else(Said::default, |action| self.words.read(action));
        if let Some(verb) = draft.fields.text(Slot::Verb)
            && event.action.as_deref() != Some(&*verb)
        {
            named = named.and(self.words.read(&verb));
        }
        let mut told = match &event.message {
            Some(message) => self.told(message, draft.shape),
            _ => Said::default(),
        };
        if let Some(reason) = &event.reason {
            told = told.and(self.words.read(reason));
        }
        named.and(told)
    }

    /// What a message says, without what it only quotes.
    fn told(&mut self, message: &str, shape: Shape) -> Said {
        let said = self.words.read(message);
        // Few lines say anything, and fewer quote it.
        if said == Said::default() {
            return said;
        }
        let own = match shape {
            Shape::Web => text::without_names(message),
            Shape::Text => match text::postgres(message) {
                Some(Postgres::Statement) => return Said::default(),
                Some(Postgres::Own) => text::without_names(message),
                None => text::without_quotes(message),
            },
            _ => return said,
        };
        match own {
            Cow::Borrowed(_) => said,
            Cow::Owned(own) => self.words.read(&own),
        }
    }
}
