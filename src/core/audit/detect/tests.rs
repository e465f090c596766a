//! What fires, what stays silent, and that memory stays bounded.

use super::*;

fn detectors() -> Detectors {
    Detectors::new(
        Tuning::default(),
        TrustedProxies::parse("10.0.0.1"),
        TimeZone::UTC,
    )
}

fn at(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(1_795_000_000 + second).ok()
}

fn login<'e>(second: i64, user: &'e str, ip: &str, outcome: Outcome) -> Event<'e> {
    Event {
        time: at(second),
        kind: Some(Kind::Auth),
        outcome: Some(outcome),
        user: Some(user.into()),
        ip: ip.parse().ok(),
        count: 1,
        ..Event::default()
    }
}

fn run(events: &[Event<'_>]) -> Vec<String> {
    let mut detectors = detectors();
    let mut alerts = Vec::new();
    for (offset, event) in events.iter().enumerate() {
        for alert in detectors.observe(event, offset as u64) {
            alerts.push(format!(
                "{} {} {} {}",
                alert.severity.word(),
                alert.detector,
                alert.subject,
                alert.count
            ));
        }
    }
    alerts
}

#[test]
fn lines_without_a_time_give_alerts_without_one() {
    let mut detectors = detectors();
    for offset in 0..5 {
        let event = Event {
            time: None,
            ..login(0, "mia", "192.0.2.1", Outcome::Failure)
        };
        for alert in detectors.observe(&event, offset) {
            assert_eq!((offset, alert.detector), (4, "brute-force"));
            assert_eq!((alert.time, alert.first), (None, None));
        }
    }
}

#[test]
fn five_failures_are_brute_force_and_twenty_are_worse() {
    let events: Vec<_> = (0..25)
        .map(|n| login(n * 10, "mia", "192.0.2.1", Outcome::Failure))
        .collect();
    assert_eq!(
        run(&events),
        [
            "medium brute-force 192.0.2.1 5",
            "high brute-force 192.0.2.1 20"
        ]
    );
    assert_eq!(run(&events[..4]), [""; 0]);
}

#[test]
fn an_incident_ends_after_half_an_hour_of_quiet() {
    let mut events: Vec<_> = (0..5)
        .map(|n| login(n, "mia", "192.0.2.1", Outcome::Failure))
        .collect();
    events.extend((0..5).map(|n| login(1700 + n, "mia", "192.0.2.1", Outcome::Failure)));
    assert_eq!(run(&events).len(), 1);
    events.extend((0..5).map(|n| login(3600 + n, "mia", "192.0.2.1", Outcome::Failure)));
    assert_eq!(run(&events).len(), 2);
}

#[test]
fn what_was_told_of_is_not_told_again_by_a_slower_rule() {
    let failure = |second: i64| login(second, "mia", "192.0.2.1", Outcome::Failure);
    let mut events: Vec<_> = (0..20).map(failure).collect();
    // Half an hour of silence ends it, and not a second less.
    events.extend([1818, 3618].map(failure));
    let told = [
        "medium brute-force 192.0.2.1 5",
        "high brute-force 192.0.2.1 20",
    ];
    assert_eq!(run(&events), told);
    // Another burst is another incident.
    events.extend((3619..3623).map(failure));
    assert_eq!(run(&events)[2..], ["medium brute-force 192.0.2.1 5"]);
    // So slow that only a day shows it.
    let slowly: Vec<_> = (0..22).map(|number| failure(2000 * number)).collect();
    assert_eq!(run(&slowly), ["medium brute-force 192.0.2.1 20"]);
}

#[test]
fn a_clock_that_is_turned_back_brings_no_incident_back() {
    let failure = |second: i64| login(second, "mia", "192.0.2.1", Outcome::Failure);
    let mut events: Vec<_> = (7200..7205).map(failure).collect();
    events.push(failure(3600));
    events.extend((6000..6012).map(failure));
    let told = run(&events);
    let forced = told.iter().filter(|alert| alert.contains("brute-force"));
    assert_eq!(forced.count(), 2, "{told:?}");
    // A small jump does not hide a large one.
    let jumps = [36_000, 35_930, 72_000, 32_400].map(failure);
    let told = run(&jumps);
    let jumps = told
        .iter()
        .filter(|alert| alert.contains("clock-backwards"));
    assert_eq!(jumps.count(), 2, "{told:?}");
}

#[test]
fn many_users_and_many_addresses_are_told_apart() {
    let names = ["a", "b", "c", "d", "e"];
    let spray: Vec<_> = names
        .iter()
        .map(|name| login(1, name, "192.0.2.1", Outcome::Failure))
        .collect();
    assert_eq!(
        run(&spray),
        [
            "medium brute-force 192.0.2.1 5",
            "high password-spray 192.0.2.1 5"
        ]
    );
    let addresses = [
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.3",
        "192.0.2.4",
        "192.0.2.5",
    ];
    let stuffing: Vec<_> = addresses
        .iter()
        .map(|ip| login(1, "mia", ip, Outcome::Failure))
        .collect();
    assert_eq!(run(&stuffing), ["high credential-stuffing mia 5"]);
}

#[test]
fn a_success_after_failures_is_critical() {
    let mut events: Vec<_> = (0..5)
        .map(|n| login(n, "mia", "192.0.2.1", Outcome::Failure))
        .collect();
    events.push(login(9, "mia", "192.0.2.1", Outcome::Success));
    assert_eq!(
        run(&events).last().unwrap(),
        "critical success-after-failures mia 5"
    );
}

#[test]
fn a_trusted_proxy_is_never_blamed() {
    let events: Vec<_> = (0..9)
        .map(|n| login(n, "mia", "10.0.0.1", Outcome::Failure))
        .collect();
    assert!(run(&events).iter().all(|alert| !alert.contains("10.0.0.1")));
}

#[test]
fn an_ipv6_subscriber_is_one_subject() {
    let ips: Vec<String> = (1..6).map(|n| format!("2001:db8:1:2::{n}")).collect();
    let events: Vec<_> = ips
        .iter()
        .map(|ip| login(1, "mia", ip, Outcome::Failure))
        .collect();
    assert_eq!(run(&events), ["medium brute-force 2001:db8:1:2::/64 5"]);
}

#[test]
fn two_lines_of_one_connection_are_one_attempt() {
    let connection = |id: &str, more| super::super::event::Connection {
        id: id.to_owned().into(),
        is_companion: true,
        more,
    };
    let mut events = Vec::new();
    for n in 0..4 {
        for _ in 0..2 {
            let mut event = login(n, "mia", "192.0.2.1", Outcome::Failure);
            event.connection = Some(connection(&format!("c{n}"), 0));
            events.push(event);
        }
    }
    assert_eq!(run(&events), [""; 0]);
    let mut suppressed = login(5, "mia", "192.0.2.1", Outcome::Failure);
    suppressed.connection = Some(connection("c9", 7));
    events.push(suppressed);
    assert_eq!(run(&events), ["medium brute-force 192.0.2.1 12"]);
}

#[test]
fn a_user_who_does_far_more_than_ever_is_seen() {
    let mut events = Vec::new();
    for bucket in 0..13 {
        for n in 0..5 {
            events.push(login(
                bucket * 300 + n,
                "mia",
                "192.0.2.1",
                Outcome::Success,
            ));
        }
    }
    for n in 0..40 {
        events.push(login(14 * 300 + n, "mia", "192.0.2.1", Outcome::Success));
    }
    assert_eq!(run(&events), ["medium usage-anomaly mia 30"]);
}

#[test]
fn habits_are_learned_before_anybody_is_warned() {
    let day = 86_400;
    let mut events: Vec<_> = (0..35)
        .map(|n| login(n * day, "mia", "192.0.2.1", Outcome::Success))
        .collect();
    assert_eq!(run(&events), [""; 0]);
    events.push(login(35 * day, "mia", "198.51.100.1", Outcome::Success));
    events.push(login(
        35 * day + 6 * 3600,
        "mia",
        "198.51.100.1",
        Outcome::Success,
    ));
    assert_eq!(
        run(&events),
        ["medium new-address mia 1", "low off-hours mia 1"]
    );
}

#[test]
fn silence_and_backward_clocks_are_seen() {
    let mut events: Vec<_> = (0..300)
        .map(|n| Event {
            time: at(n),
            count: 1,
            ..Event::default()
        })
        .collect();
    events.push(Event {
        time: at(300 + 4000),
        count: 1,
        ..Event::default()
    });
    events.push(Event {
        time: at(100),
        count: 1,
        ..Event::default()
    });
    events.push(Event {
        time: at(101),
        count: 1,
        ..Event::default()
    });
    assert_eq!(
        run(&events),
        ["medium log-gap - 1", "medium clock-backwards - 1"]
    );
    assert_eq!(
        run(&[Event {
            dropped: 9,
            count: 1,
            ..Event::default()
        }]),
        ["medium log-gap - 9"]
    );
}

#[test]
fn an_error_spike_needs_a_warm_log_and_a_calm_hour() {
    let error = |second| Event {
        time: at(second),
        kind: Some(Kind::Error),
        outcome: Some(Outcome::Failure),
        count: 1,
        ..Event::default()
    };
    let early: Vec<_> = (0..50).map(error).collect();
    assert_eq!(run(&early), [""; 0]);
    let mut events = vec![Event {
        time: at(0),
        count: 1,
        ..Event::default()
    }];
    events.extend((0..25).map(|n| error(3000 + n)));
    assert!(run(&events).contains(&"medium error-spike - 20".to_owned()));
}

/// In the library's own terms, since a million real lines take a debug build too long; the bench
/// `benches/audit_memory` reads them.
#[test]
fn an_attacker_among_more_addresses_than_are_remembered_is_found() {
    let mut detectors = detectors();
    let mut found = 0;
    let count = 300_000;
    for n in 0..count {
        let mut event = login(i64::from(n / 1000), "x", "192.0.2.1", Outcome::Failure);
        event.user = None;
        if n % (count / 15) != 0 {
            event.ip = Some(std::net::Ipv4Addr::from(0x0b00_0000 + n).into());
        }
        found += detectors
            .observe(&event, 0)
            .iter()
            .filter(|alert| alert.subject == "192.0.2.1")
            .count();
    }
    assert_eq!(found, 1);
    assert_bounded(&detectors);
}

#[test]
fn a_user_under_attack_is_remembered_among_more_than_there_is_room_for() {
    let mut detectors = detectors();
    let mut found = 0;
    for number in 0..140_000u32 {
        let (user, ip) = (
            format!("u{number}"),
            format!("198.51.100.{}", number / 28_000),
        );
        let is_attack = number % 28_000 < 2;
        let user = if is_attack { "root" } else { &user };
        let mut event = login(0, user, &ip, Outcome::Failure);
        event.time = None;
        let alerts = detectors.observe(&event, u64::from(number)).iter();
        let told: Vec<&Alert> = alerts.filter(|alert| alert.subject == "root").collect();
        for alert in told {
            assert_eq!(alert.evidence.last(), Some(&u64::from(number)));
            found += 1;
        }
    }
    assert_eq!(found, 1);
    assert_bounded(&detectors);
}

#[test]
fn many_users_keep_their_habits() {
    let mut detectors = detectors();
    let users = 14_000;
    let mut run = |day: i64, is_away: bool| {
        let mut found = 0;
        for number in 0..users {
            let user = format!("u{number}");
            let home = format!("11.{}.{}.1", number >> 8, number & 255);
            let ip = if is_away { "203.0.113.9" } else { &home };
            let second = day * 86_400 + i64::from(number) * 6;
            let event = login(second, &user, ip, Outcome::Success);
            let alerts = detectors.observe(&event, 0).iter();
            found += alerts
                .filter(|alert| alert.detector == "new-address")
                .count();
        }
        found
    };
    for day in 0..21 {
        assert_eq!(run(day, false), 0);
    }
    assert_eq!(run(21, true), 14_000);
    assert_bounded(&detectors);
}

#[test]
fn the_trigger_is_the_last_evidence_though_it_only_names_the_user() {
    let mut events = Vec::new();
    for number in 0..5 {
        for is_named in [false, true] {
            let mut event = login(number, "x", "192.0.2.1", Outcome::Failure);
            event.user = is_named.then(|| format!("u{number}").into());
            event.connection = Some(crate::audit::event::Connection {
                id: format!("c{number}").into(),
                is_companion: is_named,
                more: 0,
            });
            events.push(event);
        }
    }
    let mut detectors = detectors();
    let mut spray = None;
    for (offset, event) in (0..).zip(&events) {
        let alerts = detectors.observe(event, offset).iter();
        let evidence = alerts.filter(|alert| alert.detector == "password-spray");
        spray = spray.or(evidence.map(|alert| alert.evidence.clone()).next());
    }
    assert_eq!(spray.unwrap().last(), Some(&9));
}

/// Everything that is remembered, held against its bounds.
fn assert_bounded(detectors: &Detectors) {
    let (clients, accounts) = (&detectors.clients, &detectors.accounts);
    let own = clients.own_bytes() + accounts.own_bytes();
    let bytes = own + clients.heap_bytes() + accounts.heap_bytes();
    let most = MOST_BYTES.max(own + LEAST_HEAP_BYTES);
    assert!(bytes <= most + detectors.grown, "{bytes}");
    let remembered = &detectors.remembered;
    assert!(detectors.clients.iter().count() <= table::MOST_SUBJECTS);
    for client in detectors.clients.iter() {
        client.failures.assert_bounded(&remembered.client);
        if let Some(limits) = client.limits.as_deref() {
            limits.assert_bounded(&remembered.limits);
        }
        client.told.assert_bounded();
    }
    assert!(detectors.accounts.iter().count() <= table::MOST_SUBJECTS);
    for account in detectors.accounts.iter() {
        assert!(account.name.len() <= LONGEST_USER);
        if let Some(failures) = account.failures.as_deref() {
            failures.assert_bounded(&remembered.account);
        }
        if let Some(limits) = account.limits.as_deref() {
            limits.assert_bounded(&remembered.limits);
        }
        account.usage.assert_bounded();
        if let Some(habit) = account.habit.as_deref() {
            habit.assert_bounded();
        }
        account.told.assert_bounded();
    }
    detectors.connections.assert_bounded();
    detectors.logs.assert_bounded();
}

/// What an attacker chooses.
#[derive(Debug, Clone)]
struct Attack {
    seed: u64,
    /// As powers of two.
    addresses: u32,
    users: u32,
    longest_name: usize,
    step_ms: i64,
}

impl Attack {
    fn below(&mut self, limit: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % limit
    }

    fn event(&mut self) -> Event<'static> {
        let user = self.below(1 << self.users).to_string();
        let length = self.below(1 + self.longest_name as u64) as usize;
        let address = self.below(1 << self.addresses) as u32;
        let kinds = [
            Kind::Auth,
            Kind::Auth,
            Kind::Auth,
            Kind::RateLimit,
            Kind::Error,
        ];
        let outcomes = [Outcome::Failure, Outcome::Failure, Outcome::Success];
        let id = self.below(1 << self.users).to_string();
        Event {
            kind: Some(kinds[self.below(5) as usize]),
            outcome: Some(outcomes[self.below(3) as usize]),
            user: (self.below(8) > 0).then(|| (user + &"é".repeat(length)).into()),
            ip: (self.below(8) > 0).then(|| std::net::Ipv4Addr::from(0x0b00_0000 + address).into()),
            connection: (self.below(2) == 0).then(|| crate::audit::event::Connection {
                id: id.into(),
                is_companion: address.is_multiple_of(2),
                more: 0,
            }),
            count: 1,
            ..Event::default()
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(4))]

    #[test]
    fn memory_is_bounded_whatever_attackers_write(
        seed in 1u64..,
        addresses in 0u32..24,
        users in 0u32..24,
        longest_name in proptest::sample::select(&[0usize, 60, 3000][..]),
        step_ms in proptest::sample::select(&[-200_000i64, 0, 40, 400_000][..]),
    ) {
        let mut attack = Attack { seed, addresses, users, longest_name, step_ms };
        let mut detectors = detectors();
        for number in 0..90_000i64 {
            let mut event = attack.event();
            event.time = Timestamp::from_millisecond(1_795_000_000_000 + number * attack.step_ms).ok();
            if number % 32 == 0 {
                detectors.begin_log(&format!("{}", number % 40_000));
            }
            detectors.observe(&event, number as u64);
        }
        assert_bounded(&detectors);
    }
}

#[test]
fn names_that_differ_late_are_other_users() {
    let name = |number: i64| format!("{}{number}", "x".repeat(2 * LONGEST_USER));
    let names: Vec<String> = (0..5).map(name).collect();
    let events: Vec<_> = (0..)
        .zip(&names)
        .map(|(number, name)| login(number, name, "192.0.2.1", Outcome::Failure))
        .collect();
    let alerts = run(&events);
    assert!(
        alerts.contains(&"high password-spray 192.0.2.1 5".to_owned()),
        "{alerts:?}"
    );
}

#[test]
fn a_long_name_is_remembered_by_its_beginning() {
    let mut detectors = detectors();
    let name = "x".repeat(1 << 20);
    for second in 0..8 {
        for outcome in [Outcome::Failure, Outcome::Success] {
            let event = login(second * 400, &name, "192.0.2.1", outcome);
            for alert in detectors.observe(&event, 0) {
                assert!(alert.subject.len() <= LONGEST_USER, "{}", alert.detector);
            }
        }
    }
    assert_bounded(&detectors);
}
