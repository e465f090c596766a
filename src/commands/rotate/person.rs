//! The person at the terminal, who watches a rotation and answers.

use std::io;

use openclaw_sec::rotate::{Person, Step};

use crate::commands::interrupt::Watch;
use crate::terminal::Terminal;

/// A terminal with somebody before it, or nobody.
pub struct AtTerminal<'a> {
    terminal: &'a Terminal,
    watch: &'a Watch,
    agrees: bool,
}

impl<'a> AtTerminal<'a> {
    pub fn new(terminal: &'a Terminal, watch: &'a Watch, agrees: bool) -> Self {
        Self {
            terminal,
            watch,
            agrees,
        }
    }
}

impl Person for AtTerminal<'_> {
    fn tell(&self, step: Step, text: &str) {
        match step.number() {
            Some(number) => self.terminal.note(&format!("{number}/4 {text}")),
            None => self.terminal.note(text),
        }
    }

    fn warn(&self, text: &str) {
        self.terminal.warn(text);
    }

    fn may_ask(&self) -> bool {
        self.terminal.may_ask()
    }

    fn confirm(&self, question: &str) -> io::Result<bool> {
        if self.agrees {
            return Ok(true);
        }
        let answer = self.terminal.confirm(question);
        if self.watch.came() {
            return Ok(false);
        }
        answer
    }

    fn wait_until_done(&self, request: &str) -> io::Result<bool> {
        let answer = self.terminal.wait_for_enter(request, &|| self.watch.came());
        if self.watch.came() {
            return Ok(false);
        }
        answer
    }

    fn wants_to_stop(&self) -> bool {
        self.watch.came()
    }

    fn may_end_at_once(&self, may: bool) {
        self.watch.may_end_at_once(may);
    }
}
