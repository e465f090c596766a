//! Rule files are followed or refused, and never silence what is ours.

use openclaw_sec::scan::{OwnValue, Request, RuleSet, Search, Wanted, gather};
use openclaw_sec::secret::Secret;

use super::support::{Nothing, clear, file, now, parts, scratch, world};

/// The value that has to be found whatever a rule file says.
const OWN: &str = "Wm3kQ9-own-value-7Tz";

/// A rule file, and a text that it is tried on.
pub fn run(data: &[u8]) {
    let [rules, text] = parts(data);
    let Ok(rules) = RuleSet::read(&[file("rules.toml", rules)]) else {
        return;
    };
    let tree = scratch("ruled");
    clear(&tree);
    std::fs::create_dir_all(&tree).expect("a folder");
    let line = format!("\nown {OWN} value\n");
    std::fs::write(tree.join("a.txt"), [text, line.as_bytes()].concat()).expect("a file");
    let request = Request {
        env: None,
        spared: Vec::new(),
        code: Some(&tree),
        history: false,
        unreachable: false,
        staged: false,
        own_values: vec![OwnValue {
            name: "WEB_API_KEY".to_owned(),
            value: Secret::new(OWN),
        }],
        rules: &rules,
        today: now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date(),
        wanted: Wanted {
            tree: true,
            history: false,
            env_files: false,
        },
    };
    let monitor = openclaw_sec::scan::Monitor::new(&|_, _| {});
    let evidence = gather(request, &monitor, &world(Box::new(Nothing)));
    let Search::Done(searched) = evidence.tree else {
        panic!("nothing was searched");
    };
    assert!(searched.unread.is_empty(), "{:?}", searched.unread);
    let is_own = |rule: &str| rule == "env-value";
    assert!(searched.leaks.iter().any(|leak| is_own(&leak.rule)));
    assert!(!format!("{:?}", searched.leaks).contains(OWN));
}
