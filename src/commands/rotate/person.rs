//! The person at the terminal, who watches a rotation and answers.

use std::io;

use openclaw_sec::rotate::{Class, Person, Provider, RotateError, Step, one_line};
use openclaw_sec::secret::Secret;

use crate::commands::exit;
use crate::commands::interrupt::Noticed;
use crate::terminal::Terminal;

/// A terminal with somebody before it, or nobody.
pub struct AtTerminal<'a> {
    terminal: &'a Terminal,
    watch: &'a Noticed,
    agrees: bool,
}

impl<'a> AtTerminal<'a> {
    pub fn new(terminal: &'a Terminal, watch: &'a Noticed, agrees: bool) -> Self {
        Self {
            terminal,
            watch,
            agrees,
        }
    }
}

/// The code to end with, once a signal came.
fn exit_code(watch: &Noticed) -> Option<u8> {
    watch.came().then_some(exit::INTERRUPTED)
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

    fn new_key(&self, provider: &Provider, name: &str) -> Result<Secret, RotateError> {
        if provider.class == Class::Replace {
            self.warn("with this provider a new key kills the old one at once: go on quickly");
        }
        let console = provider.console;
        self.tell(
            Step::Generate,
            &format!("make a new key at https://{console}"),
        );
        let question = format!("paste the new {name} (it is not shown)");
        let watch = self.watch;
        let typed = self.terminal.password(&question, &|| exit_code(watch));
        if self.watch.came() {
            return Err(RotateError::Interrupted);
        }
        one_line(typed.map_err(RotateError::Terminal)?.expose())
    }

    fn may_ask(&self) -> bool {
        self.terminal.may_ask()
    }

    fn may_confirm(&self) -> bool {
        self.agrees || self.terminal.may_ask()
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
        self.terminal.wait_for_enter(request, &|| self.watch.came())
    }

    fn wants_to_stop(&self) -> bool {
        self.watch.came()
    }
}
