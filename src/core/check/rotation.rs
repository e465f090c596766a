//! "Regular key rotation scheduled": from rotate's ledger, which does not exist yet.

use super::Check;
use super::evidence::Evidence;
use super::verdict::{Verdict, unknown};
use crate::report::{Kind, Severity};

const PAGE: &str = "https://docs.openclawvps.com/configuration/security";
const CIS: &str = "CIS AWS Foundations Benchmark 2.12: 90 days";

pub const CHECKS: &[Check] = &[
    Check::new(
        "rotation.never-recorded",
        Kind::Host,
        Severity::Low,
        not_built,
    )
    .asks(
        "the keys' ages are known",
        "nobody can tell how many people have seen a key of unknown age",
    )
    .mended_by("rotate the key with `openclaw-sec rotate`, which keeps a ledger")
    .see(&[PAGE]),
    Check::new("rotation.overdue", Kind::Host, Severity::Medium, not_built)
        .asks(
            "no key is older than 90 days",
            "the older a key, the more copies of it exist",
        )
        .mended_by("rotate the key with `openclaw-sec rotate`")
        .see(&[PAGE, CIS]),
    Check::new("rotation.due-soon", Kind::Host, Severity::Low, not_built)
        .asks(
            "no key comes of age within 14 days",
            "a planned rotation is done better than a late one",
        )
        .mended_by("plan the rotation now: `openclaw-sec rotate`")
        .see(&[CIS]),
    Check::new("rotation.unfinished", Kind::Host, Severity::High, not_built)
        .asks(
            "no rotation was left half-way",
            "two keys are valid, or the old one was revoked before the new one was live",
        )
        .mended_by("run `openclaw-sec rotate resume` or `openclaw-sec rotate abort`")
        .see(&[PAGE]),
    Check::new(
        "rotation.not-scheduled",
        Kind::Host,
        Severity::Low,
        not_built,
    )
    .asks(
        "a timer reminds of rotations",
        "what nobody schedules does not happen",
    )
    .mended_by("install the timer that `openclaw-sec rotate schedule` prints")
    .see(&[PAGE]),
];

fn not_built(_: &Evidence) -> Vec<Verdict> {
    unknown(
        "`rotate` keeps the ledger this is read from, and it is not built yet; leave it out with --skip rotation",
    )
}
