//! A log is the same however it is cut into reads, and a filter that looks quickly keeps what one that
//! reads everything keeps.

use std::io;

use jiff::tz::TimeZone;
use openclaw_sec::audit::address::TrustedProxies;
use openclaw_sec::audit::assemble::Assembler;
use openclaw_sec::audit::detect::{Alert, DETECTORS, Detectors, MOST_EVIDENCE, Tuning};
use openclaw_sec::audit::event::{Event, Kind, Level, Outcome};
use openclaw_sec::audit::filter::Filter;
use openclaw_sec::audit::reading::{Needs, Reading, Show, SourceLine};
use openclaw_sec::audit::secrets::EnvSecrets;
use openclaw_sec::audit::statistics::Statistics;

use super::audit_line::reader;
use super::support::Choices;

/// Three bytes that choose a filter and a size of reads, and a log.
pub fn run(data: &[u8]) {
    let (choices, log) = data.split_at(data.len().min(3));
    let mut choices = Choices::of(choices);
    let filter = filter(&mut choices);
    let piece = usize::from(choices.byte()).max(1);
    let quick = shown(log, &filter, usize::MAX, false);
    assert_eq!(
        quick,
        shown(log, &filter, piece, false),
        "reads of {piece} bytes"
    );
    let thorough = shown(log, &filter, usize::MAX, true);
    assert_eq!(quick.places, thorough.places, "{filter:?}");
    assert_eq!(
        thorough,
        shown(log, &filter, piece, true),
        "reads of {piece} bytes"
    );
}

fn filter(choices: &mut Choices<'_>) -> Filter {
    let mut filter = Filter::default();
    match choices.below(9) {
        0 => filter.networks = vec!["192.0.2.1/32".parse().expect("a network")],
        1 => filter.networks = vec!["2001:db8::/32".parse().expect("a network")],
        2 => filter.users = vec!["mia".to_owned()],
        3 => filter.kinds = vec![Kind::Auth, Kind::RateLimit],
        4 => filter.outcomes = vec![Outcome::Failure],
        5 => filter.level = Some(Level::Warn),
        6 => filter.since = "2026-11-20T10:00:00Z".parse().ok(),
        7 => filter.until = "2026-11-20T10:00:00Z".parse().ok(),
        _ => {}
    }
    if choices.below(4) == 0 {
        filter.users = vec!["root".to_owned()];
    }
    filter
}

/// What came out.
#[derive(Debug, Default, PartialEq)]
struct Shown {
    places: Vec<(u64, Option<u64>)>,
    texts: Vec<String>,
    alerts: Vec<(&'static str, String, u64)>,
}

impl Show for Shown {
    fn event(&mut self, event: &Event<'_>, line: &SourceLine<'_>) -> io::Result<()> {
        self.places.push((line.offset, line.number));
        self.texts.push(format!("{} {:?}", line.text, event.kind()));
        Ok(())
    }

    fn more(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        assert!(DETECTORS.iter().any(|one| one.id == alert.detector));
        assert!(alert.evidence.len() <= MOST_EVIDENCE, "{alert:?}");
        let subject = alert.subject.clone();
        self.alerts.push((alert.detector, subject, alert.count));
        Ok(())
    }
}

/// Reads that give so many bytes at most.
struct Pieces<'d>(&'d [u8], usize);

impl io::Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(buffer.len());
        io::Read::read(&mut self.0, &mut buffer[..length])
    }
}

fn shown(log: &[u8], filter: &Filter, piece: usize, is_thorough: bool) -> Shown {
    let detectors = is_thorough.then(|| {
        let tuning = Tuning::default();
        Detectors::new(tuning, TrustedProxies::default(), TimeZone::UTC)
    });
    let mut reading = Reading::new(
        reader(),
        filter.clone(),
        EnvSecrets::default(),
        detectors,
        Some(Statistics::default()),
        Needs {
            fields: is_thorough,
            events: true,
        },
    );
    let mut show = Shown::default();
    let mut assembler = Assembler::new(0, Some(1), false);
    let mut input = Pieces(log, piece);
    while assembler.read(&mut input).expect("it is in memory") > 0 {
        while let Some(chunk) = assembler.chunk() {
            reading
                .take(&chunk, "log", 0, &mut show)
                .expect("nothing is written");
        }
    }
    if let Some(chunk) = assembler.rest() {
        reading
            .take(&chunk, "log", 0, &mut show)
            .expect("nothing is written");
    }
    let counted = reading.statistics.map(|counts| counts.document(10).events);
    assert_eq!(counted, Some(show.places.len() as u64));
    show
}
