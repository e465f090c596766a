//! `--alert-exec`: a command for each alert, without a shell, bounded in number and time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use openclaw_sec::world::{BoundedEnd, BoundedRun, World};

/// How many commands run, how many alerts wait, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Commands that run at once.
    at_once: usize,
    /// Alerts that wait for a free place.
    queue: usize,
    /// How long a command may take.
    time: Duration,
}

const LIMITS: Limits = Limits {
    at_once: 4,
    queue: 64,
    time: Duration::from_secs(10),
};

/// The workers and their queue.
pub struct AlertExec {
    /// The program, as it was asked for.
    program: String,
    queue: Option<SyncSender<Vec<u8>>>,
    workers: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
    overflow: u64,
}

#[derive(Default)]
struct Shared {
    stops: AtomicBool,
    failed: AtomicU64,
    killed: AtomicU64,
    /// Which of the first three troubles were said.
    told: [AtomicBool; 3],
    cannot_start: Mutex<CannotStart>,
}

/// Why a command cannot be started, said once.
#[derive(Default)]
enum CannotStart {
    /// It can, so far.
    #[default]
    No,
    /// Nobody was told yet.
    New(String),
    /// It was said.
    Said,
}

impl AlertExec {
    /// Starts the workers.
    pub fn start(words: Vec<String>, world: &World) -> Self {
        Self::within(LIMITS, words, world)
    }

    fn within(limits: Limits, words: Vec<String>, world: &World) -> Self {
        let program = words.first().cloned().unwrap_or_default();
        let (queue, jobs) = sync_channel::<Vec<u8>>(limits.queue);
        let jobs = Arc::new(Mutex::new(jobs));
        let shared = Arc::new(Shared::default());
        let run = Arc::new(world.bounded_run(words));
        let workers = (0..limits.at_once)
            .map(|_| {
                let (jobs, shared, run) =
                    (Arc::clone(&jobs), Arc::clone(&shared), Arc::clone(&run));
                std::thread::spawn(move || work(&jobs, &shared, &run, limits.time))
            })
            .collect();
        Self {
            program,
            queue: Some(queue),
            workers,
            shared,
            overflow: 0,
        }
    }

    /// Has the command run for an alert; never waits.
    pub fn run(&mut self, alert: Vec<u8>) {
        let sent = self.queue.as_ref().map(|queue| queue.try_send(alert));
        if let Some(Err(TrySendError::Full(_))) = sent {
            self.overflow += 1;
        }
    }

    /// Waits until all have run, or ends those that run.
    pub fn end(&mut self, waits: bool) {
        if !waits {
            self.shared.stops.store(true, Ordering::SeqCst);
        }
        self.queue = None;
        for worker in self.workers.drain(..) {
            // A worker that panicked has said so already.
            let _ = worker.join();
        }
    }

    /// What a person should know at once, since a follower may run for weeks: the first alert that is
    /// not handed over, the first command that is ended or fails, or that none can be started. Each is
    /// said once.
    pub fn trouble(&self) -> Option<String> {
        let load = |number: &AtomicU64| number.load(Ordering::SeqCst);
        let firsts = [
            (
                self.overflow,
                "the queue is full, so that alerts are not handed over",
            ),
            (
                load(&self.shared.killed),
                "a command took too long and was ended",
            ),
            (load(&self.shared.failed), "a command ended with an error"),
        ];
        for ((number, what), told) in firsts.iter().zip(&self.shared.told) {
            if *number > 0 && !told.swap(true, Ordering::SeqCst) {
                return Some(format!("--alert-exec: {what}; how many is said at the end"));
            }
        }
        self.cannot_start()
    }

    /// Why the command cannot be started. Said once.
    pub fn cannot_start(&self) -> Option<String> {
        let mut state = self.shared.cannot_start.lock().ok()?;
        if !matches!(*state, CannotStart::New(_)) {
            return None;
        }
        match std::mem::replace(&mut *state, CannotStart::Said) {
            CannotStart::New(error) => Some(format!(
                "--alert-exec: {} cannot be started: {error}",
                self.program
            )),
            _ => None,
        }
    }

    /// What went wrong in the end, in sentences.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let mut count = |number: u64, one: &str, many: &str| {
            let what = if number == 1 { one } else { many };
            if number > 0 {
                remarks.push(format!("--alert-exec: {number} {what}"));
            }
        };
        count(
            self.overflow,
            "alert was not handed over, because the queue was full",
            "alerts were not handed over, because the queue was full",
        );
        count(
            self.shared.killed.load(Ordering::SeqCst),
            "command took too long and was ended",
            "commands took too long and were ended",
        );
        count(
            self.shared.failed.load(Ordering::SeqCst),
            "command ended with an error",
            "commands ended with an error",
        );
        remarks
    }
}

fn work(jobs: &Mutex<Receiver<Vec<u8>>>, shared: &Shared, run: &BoundedRun, limit: Duration) {
    loop {
        let job = match jobs.lock() {
            Ok(jobs) => jobs.recv(),
            Err(_) => return,
        };
        let Ok(alert) = job else {
            return;
        };
        if shared.stops.load(Ordering::SeqCst) {
            continue;
        }
        match run.run(&alert, limit, &shared.stops) {
            Ok(BoundedEnd::Done { success: true }) => {}
            Ok(BoundedEnd::Done { success: false }) => {
                shared.failed.fetch_add(1, Ordering::SeqCst);
            }
            // Whoever leaves did not wait for it.
            Ok(BoundedEnd::Killed) if shared.stops.load(Ordering::SeqCst) => {}
            Ok(BoundedEnd::Killed) => {
                shared.killed.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => {
                if let Ok(mut state) = shared.cannot_start.lock()
                    && matches!(*state, CannotStart::No)
                {
                    *state = CannotStart::New(error.to_string());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const SOON: Limits = Limits {
        at_once: 2,
        queue: 3,
        time: Duration::from_millis(200),
    };

    fn words(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_all_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; sleep 1000", mark.display());
        let mut commands = AlertExec::within(SOON, words(&script), &World::real());
        commands.run(b"{}".to_vec());
        commands.end(true);
        assert_eq!(
            commands.remarks(),
            ["--alert-exec: 1 command took too long and was ended"]
        );
        let pid = std::fs::read_to_string(mark).expect("its child began");
        let status = format!("/proc/{}/stat", pid.trim());
        let started = Instant::now();
        // A killed process may stay a zombie until somebody asks for it.
        while std::fs::read_to_string(&status).is_ok_and(|text| !text.contains(") Z")) {
            assert!(started.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn what_does_not_fit_the_queue_is_counted_and_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let gate = folder.path().join("gate");
        let limits = Limits {
            time: Duration::from_secs(60),
            ..SOON
        };
        let script = format!("until [ -e {} ]; do sleep 0.01; done", gate.display());
        let mut commands = AlertExec::within(limits, words(&script), &World::real());
        for _ in 0..20 {
            commands.run(b"{}".to_vec());
        }
        std::fs::write(&gate, "").expect("the gate opens");
        commands.end(true);
        let remarks = commands.remarks();
        let [remark] = &remarks[..] else {
            panic!("{remarks:?}");
        };
        // At most two ran and three waited.
        let count: u64 = remark
            .split(' ')
            .nth(1)
            .and_then(|number| number.parse().ok())
            .expect("a number");
        assert!((15..=17).contains(&count), "{remark}");
        assert!(remark.contains("the queue was full"), "{remark}");
        let first = commands.trouble();
        assert!(first.is_some_and(|text| text.contains("the queue is full")));
        assert_eq!(commands.trouble(), None);
    }

    #[test]
    fn a_command_that_cannot_start_is_said_once_and_one_that_fails_is_counted() {
        let missing = vec!["/nowhere/notify".to_owned()];
        let mut commands = AlertExec::within(SOON, missing, &World::real());
        commands.run(b"{}".to_vec());
        commands.run(b"{}".to_vec());
        commands.end(true);
        assert!(
            commands
                .trouble()
                .is_some_and(|text| text.contains("/nowhere/notify cannot be started"))
        );
        assert_eq!(commands.trouble(), None);
        let mut commands = AlertExec::within(SOON, words("exit 3"), &World::real());
        commands.run(b"{}".to_vec());
        commands.end(true);
        assert_eq!(
            commands.remarks(),
            ["--alert-exec: 1 command ended with an error"]
        );
    }

    #[test]
    fn leaving_by_signal_ends_what_runs() {
        let limits = Limits {
            time: Duration::from_secs(1000),
            ..SOON
        };
        let mut commands = AlertExec::within(limits, words("sleep 1000"), &World::real());
        commands.run(b"{}".to_vec());
        let started = Instant::now();
        commands.end(false);
        assert!(started.elapsed() < Duration::from_secs(60));
        assert!(commands.remarks().is_empty());
    }
}
