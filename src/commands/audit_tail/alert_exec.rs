//! `--alert-exec`: a command for each alert, without a shell, bounded in number and time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use openclaw_sec::world::{BoundedEnd, BoundedRun, World};

/// Commands that run at once.
const AT_ONCE: usize = 4;
/// Alerts that wait for a free place.
const QUEUE: usize = 64;
/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The workers and their queue.
pub struct AlertExec {
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
    cannot_start: Mutex<Option<String>>,
}

impl AlertExec {
    /// Starts the workers.
    pub fn start(words: Vec<String>, world: &World) -> Self {
        let (queue, jobs) = sync_channel::<Vec<u8>>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let shared = Arc::new(Shared::default());
        let run = Arc::new(world.bounded_run(words));
        let workers = (0..AT_ONCE)
            .map(|_| {
                let (jobs, shared, run) =
                    (Arc::clone(&jobs), Arc::clone(&shared), Arc::clone(&run));
                std::thread::spawn(move || work(&jobs, &shared, &run))
            })
            .collect();
        Self {
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

    /// What went wrong, in sentences.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if let Ok(Some(error)) = self.shared.cannot_start.lock().as_deref() {
            remarks.push(format!(
                "--alert-exec: the command cannot be started: {error}"
            ));
        }
        let mut count = |number: u64, what: &str| {
            if number > 0 {
                remarks.push(format!("--alert-exec: {number} {what}"));
            }
        };
        count(
            self.overflow,
            "alerts were not handed over, because the queue was full",
        );
        count(
            self.shared.killed.load(Ordering::SeqCst),
            "commands took longer than 10 s and were ended",
        );
        count(
            self.shared.failed.load(Ordering::SeqCst),
            "commands ended with an error",
        );
        remarks
    }
}

fn work(jobs: &Mutex<Receiver<Vec<u8>>>, shared: &Shared, run: &BoundedRun) {
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
        match run.run(&alert, LIMIT, &shared.stops) {
            Ok(BoundedEnd::Done { success: true }) => {}
            Ok(BoundedEnd::Done { success: false }) => {
                shared.failed.fetch_add(1, Ordering::SeqCst);
            }
            Ok(BoundedEnd::Killed) => {
                shared.killed.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => {
                if let Ok(mut first) = shared.cannot_start.lock() {
                    first.get_or_insert(error.to_string());
                }
            }
        }
    }
}
