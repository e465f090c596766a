//! Real files, rotated at every point between two looks and between two accesses of one look.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::siblings::{plain_reader, siblings};
use super::*;

/// One step of a logger, or of what rotates its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    /// The logger appends a line to its descriptor, wherever that file is by now.
    Write,
    /// The logger opens the name anew, making the file if there is none.
    Reopen,
    /// An empty file takes the name, if that is free.
    Create,
    /// Every rotated file's number grows by one.
    Shift,
    /// The name becomes number 1.
    Rename,
    /// Half of the file is copied to number 1.
    CopyHalf,
    /// All of it is.
    CopyAll,
    /// The file is cut to nothing.
    Truncate,
    /// Half of number 1's compressed form is written.
    PackHalf,
    /// All of it is.
    Pack,
    /// Number 1 goes, where its compressed form is there.
    Unpacked,
    /// The name goes.
    Remove,
    /// A copy of the file takes its name, and the logger goes on in it.
    CopyOver,
    /// Number 1 gets the name back, if that is free.
    MoveBack,
}

use Op::{
    CopyAll, CopyHalf, CopyOver, Create, MoveBack, Pack, PackHalf, Remove, Rename, Reopen, Shift,
    Truncate, Unpacked, Write,
};

struct World {
    folder: tempfile::TempDir,
    log: PathBuf,
    logger: File,
    padding: usize,
    written: usize,
    /// Lines that no file holds any more: whoever was not fast enough has lost them.
    perished: BTreeSet<usize>,
}

impl World {
    fn new(padding: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("audit.log");
        let mut world = Self {
            logger: open(&log),
            folder,
            log,
            padding,
            written: 0,
            perished: BTreeSet::new(),
        };
        world.perform(Write);
        world
    }

    fn path(&self, suffix: &str) -> PathBuf {
        self.folder.path().join(format!("audit.log{suffix}"))
    }

    fn perform(&mut self, op: Op) {
        let (first, packed) = (self.path(".1"), self.path(".1.gz"));
        match op {
            Write => {
                let line = format!("line {} {}\n", self.written, "x".repeat(self.padding));
                self.logger.write_all(line.as_bytes()).unwrap();
                if self.logger.metadata().unwrap().nlink() == 0 {
                    self.perished.insert(self.written);
                }
                self.written += 1;
            }
            Reopen => self.logger = open(&self.log),
            Create => drop(open(&self.log)),
            Shift => {
                for number in (1..9).rev() {
                    for ending in ["", ".gz"] {
                        let from = self.path(&format!(".{number}{ending}"));
                        let to = self.path(&format!(".{}{ending}", number + 1));
                        if from.exists() {
                            self.mourn(&to);
                            fs::rename(from, to).unwrap();
                        }
                    }
                }
            }
            Rename if self.log.exists() => {
                self.mourn(&first);
                fs::rename(&self.log, first).unwrap();
            }
            CopyHalf | CopyAll if self.log.exists() => {
                self.mourn(&first);
                let mut content = fs::read(&self.log).unwrap();
                if op == CopyHalf {
                    content.truncate(content.len() / 2);
                    let whole = content.iter().rposition(|byte| *byte == b'\n');
                    content.truncate(whole.map_or(0, |newline| newline + 1));
                }
                fs::write(first, content).unwrap();
            }
            Truncate if self.log.exists() => {
                self.mourn(&self.log.clone());
                OpenOptions::new()
                    .write(true)
                    .open(&self.log)
                    .unwrap()
                    .set_len(0)
                    .unwrap();
            }
            PackHalf | Pack if first.exists() => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
                encoder.write_all(&fs::read(&first).unwrap()).unwrap();
                let mut content = encoder.finish().unwrap();
                if op == PackHalf {
                    content.truncate(content.len() / 2);
                }
                self.mourn(&packed);
                fs::write(packed, content).unwrap();
            }
            Unpacked if packed.exists() && first.exists() => {
                self.mourn(&first);
                fs::remove_file(first).unwrap();
            }
            Remove if self.log.exists() => {
                self.mourn(&self.log.clone());
                fs::remove_file(&self.log).unwrap();
            }
            CopyOver if self.log.exists() => {
                let copy = self.folder.path().join("copy");
                fs::copy(&self.log, &copy).unwrap();
                self.mourn(&self.log.clone());
                fs::rename(copy, &self.log).unwrap();
                self.logger = open(&self.log);
            }
            MoveBack if first.exists() && !self.log.exists() => {
                fs::rename(first, &self.log).unwrap();
            }
            _ => {}
        }
    }

    /// What only this file holds perishes with it.
    fn mourn(&mut self, path: &PathBuf) {
        let mut others: Vec<PathBuf> = siblings(&self.log).unwrap();
        others.push(self.log.clone());
        others.retain(|other| other != path);
        let held: BTreeSet<usize> = others.iter().flat_map(lines_in).collect();
        self.perished.extend(lines_in(path).difference(&held));
    }

    /// The lines that stand in a file somewhere.
    fn must_come(&self) -> impl Iterator<Item = usize> {
        (0..self.written).filter(|line| !self.perished.contains(line))
    }
}

fn open(path: &PathBuf) -> File {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap()
}

fn lines_in(path: &PathBuf) -> BTreeSet<usize> {
    let mut content = Vec::new();
    if let Ok((mut reader, _)) = File::open(path).and_then(plain_reader) {
        let _ = reader.read_to_end(&mut content);
    }
    let whole = content.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    numbers(&content[..whole]).into_iter().collect()
}

fn numbers(content: &[u8]) -> Vec<usize> {
    let text = std::str::from_utf8(content).unwrap();
    let number = |line: &str| line.split(' ').nth(1)?.parse().ok();
    text.lines()
        .map(|line| number(line).unwrap_or_else(|| panic!("no line of ours: {line:?}")))
        .collect()
}

struct Scene {
    world: Rc<RefCell<World>>,
    follower: Follower,
    start: Instant,
    looks: u64,
    out: Vec<u8>,
}

impl Scene {
    /// A follower that has read the first line.
    fn new(padding: usize) -> Self {
        let world = World::new(padding);
        let (mut follower, file) = Follower::start(&world.log);
        follower.begin(file.unwrap(), 0, Some(1)).unwrap();
        let mut scene = Self {
            world: Rc::new(RefCell::new(world)),
            follower,
            start: Instant::now(),
            looks: 0,
            out: Vec::new(),
        };
        scene.look();
        scene
    }

    fn look(&mut self) -> Vec<Notice> {
        self.looks += 1;
        let now = self.start + Duration::from_millis(self.looks);
        let out = &mut self.out;
        let mut sink = |chunk: &Chunk<'_>, _: &Path| {
            out.extend_from_slice(chunk.bytes);
            Ok(())
        };
        self.follower.look(now, &mut sink).unwrap().notices
    }

    fn perform(&mut self, op: Op) {
        self.world.borrow_mut().perform(op);
    }

    /// Lets `happens` be called before each access with its number within the look.
    fn before_each_access(&mut self, mut happens: impl FnMut(&mut World, usize) + 'static) {
        let world = Rc::clone(&self.world);
        let mut number = 0;
        self.follower.disk.before_each = Some(Box::new(move || {
            happens(&mut world.borrow_mut(), number);
            number += 1;
        }));
    }

    /// Every line came once, but those that perished may be missing.
    fn prove(&mut self, is_in_order: bool, story: &dyn std::fmt::Debug) {
        self.follower.disk.before_each = None;
        self.look();
        self.look();
        let came = numbers(&self.out);
        let world = self.world.borrow();
        let once: BTreeSet<usize> = came.iter().copied().collect();
        assert_eq!(once.len(), came.len(), "repeated: {came:?} in {story:?}");
        let missing: Vec<usize> = world.must_come().filter(|it| !once.contains(it)).collect();
        assert!(
            missing.is_empty(),
            "lost {missing:?} of {came:?} in {story:?}"
        );
        assert!(!is_in_order || came.is_sorted(), "{came:?} in {story:?}");
        drop(world);
        self.looks += 6000;
        self.look();
        assert!(self.follower.open_files().count() <= 1, "{story:?}");
    }
}

/// What rotation does, step by step, and whether one line after the other comes of it.
const STORIES: [(&str, bool, &[Op]); 11] = [
    (
        "create, twice",
        true,
        &[
            Write, Shift, Rename, Create, Reopen, Write, Shift, Rename, Create, Reopen, Write,
        ],
    ),
    (
        "create, with a logger that is late",
        false,
        &[
            Write, Rename, Write, Create, Write, Reopen, Write, Shift, Rename, Write, Reopen, Write,
        ],
    ),
    (
        "create and compress",
        true,
        &[
            Write, Rename, Create, Reopen, Write, PackHalf, Pack, Unpacked, Write, Shift, Rename,
            Reopen, Write,
        ],
    ),
    (
        "compressed late",
        true,
        &[
            Rename, Reopen, Write, PackHalf, Pack, Unpacked, Shift, Rename, Reopen, Write,
        ],
    ),
    (
        "copytruncate, twice",
        true,
        &[
            Write, CopyHalf, CopyAll, Truncate, Write, Shift, CopyHalf, CopyAll, Truncate, Write,
        ],
    ),
    (
        "copytruncate onto the same file",
        true,
        &[
            Write, CopyAll, Truncate, Write, Write, Truncate, Write, CopyAll, Truncate, Write,
        ],
    ),
    (
        "copytruncate while the logger writes",
        true,
        &[
            Write, CopyHalf, Write, CopyAll, Write, Truncate, Write, Shift, CopyAll, Write,
            Truncate, Write,
        ],
    ),
    (
        "copytruncate and compress",
        true,
        &[
            Write, CopyAll, Truncate, Write, PackHalf, Pack, Unpacked, Shift, CopyAll, Truncate,
            Write, Pack, Unpacked,
        ],
    ),
    (
        "removed and made again",
        true,
        &[
            Write, Remove, Reopen, Write, Write, Remove, Create, Reopen, Write,
        ],
    ),
    (
        "copied over, and a copy kept",
        true,
        &[
            Write, Write, CopyOver, Write, CopyAll, Write, CopyOver, Write, Write,
        ],
    ),
    (
        "moved away and back",
        true,
        &[Write, Rename, Write, MoveBack, Write, Rename, Reopen, Write],
    ),
];

/// Long enough that a few lines fill more than what files are known by.
const PADDINGS: [usize; 2] = [0, 700];

/// Looks after any of the operations, at most so many of them.
fn looks_between(most_looks: u32) {
    for (name, is_in_order, ops) in STORIES {
        for looks in (0u32..1 << ops.len()).filter(|looks| looks.count_ones() <= most_looks) {
            let mut scene = Scene::new(PADDINGS[looks.count_ones() as usize % 2]);
            for (at, op) in ops.iter().enumerate() {
                scene.perform(*op);
                if looks & (1 << at) != 0 {
                    scene.look();
                }
            }
            scene.prove(is_in_order, &(name, ops, format!("{looks:b}")));
        }
    }
}

/// One to `most_ops` operations happen before one access of a look: before every `stride`th.
fn rotations_within(most_ops: usize, stride: usize) {
    for (name, is_in_order, ops) in STORIES {
        for from in 0..ops.len() {
            for to in from + 1..=ops.len().min(from.saturating_add(most_ops)) {
                for access in (from % stride..).step_by(stride) {
                    let now = &ops[from..to];
                    let Some(mut scene) = interrupted(&ops[..from], now, access) else {
                        break;
                    };
                    for op in &ops[to..] {
                        scene.perform(*op);
                    }
                    scene.prove(is_in_order, &(name, now, from, access));
                }
            }
        }
    }
}

/// A scene in which `now` happened before one access of a look; nothing if the look had less.
fn interrupted(before: &[Op], now: &'static [Op], access: usize) -> Option<Scene> {
    let mut scene = Scene::new(PADDINGS[access % 2]);
    for op in before {
        scene.perform(*op);
    }
    let happened = Rc::new(RefCell::new(false));
    let told = Rc::clone(&happened);
    scene.before_each_access(move |world, number| {
        if number == access {
            now.iter().for_each(|op| world.perform(*op));
            *told.borrow_mut() = true;
        }
    });
    scene.look();
    scene.follower.disk.before_each = None;
    let happened = *happened.borrow();
    happened.then_some(scene)
}

#[test]
fn looks_at_any_points_of_a_rotation_lose_and_repeat_nothing() {
    looks_between(2);
}

#[test]
#[ignore = "takes minutes: every subset of points, where the test before takes two"]
fn looks_at_all_points_of_a_rotation_lose_and_repeat_nothing() {
    looks_between(u32::MAX);
}

#[test]
fn a_rotation_in_the_middle_of_a_look_loses_and_repeats_nothing() {
    rotations_within(5, 7);
}

#[test]
#[ignore = "takes minutes: before every access, where the test before takes every seventh"]
fn a_rotation_anywhere_in_a_look_loses_and_repeats_nothing() {
    rotations_within(usize::MAX, 1);
}

#[test]
fn a_copy_that_takes_the_name_of_the_log_that_was_cut_is_not_read_again() {
    let stories: [(bool, &[Op]); 5] = [
        (true, &[CopyAll, Truncate, Remove, MoveBack]),
        (true, &[Write, CopyAll, Truncate, Remove, MoveBack]),
        (true, &[CopyAll, Truncate, Remove, MoveBack, Reopen, Write]),
        // The logger goes on in the file that has no name any more.
        (
            false,
            &[CopyAll, Truncate, Write, Remove, MoveBack, Reopen, Write],
        ),
        (true, &[Write, Pack, CopyAll, Truncate, Remove, MoveBack]),
    ];
    for (is_in_order, story) in stories {
        for length in 1..=story.len() {
            for access in 0.. {
                let Some(mut scene) = interrupted(&[Write, Write], &story[..length], access) else {
                    break;
                };
                for op in &story[length..] {
                    scene.perform(*op);
                }
                scene.perform(Reopen);
                scene.perform(Write);
                scene.prove(is_in_order, &(story, length, access));
            }
        }
    }
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => Just(Write),
        2 => Just(Reopen),
        1 => Just(Create),
        2 => Just(Shift),
        3 => Just(Rename),
        1 => Just(Pack),
        1 => Just(Unpacked),
        1 => Just(Remove),
        1 => Just(MoveBack),
    ]
}

/// What happens at once: an operation, or several that only make sense together.
fn any_deed() -> impl Strategy<Value = Vec<Op>> {
    prop_oneof![
        6 => any_op().prop_map(|op| vec![op]),
        1 => Just(vec![CopyAll, Truncate]),
        1 => Just(vec![Shift, CopyAll, Truncate]),
        1 => Just(vec![Shift, Rename, Reopen]),
        1 => Just(vec![Pack, Unpacked]),
    ]
}

/// Stories in which no copy gets the name that was copied: nobody can tell it from a new log that
/// begins with the same lines.
fn any_usual_story() -> impl Strategy<Value = Vec<(Vec<Op>, usize)>> {
    proptest::collection::vec((any_deed(), 0usize..30), 1..25).prop_map(|mut deeds| {
        let mut has_copy = false;
        deeds.retain(|(ops, _)| {
            has_copy |= ops.contains(&CopyAll);
            !has_copy || !ops.contains(&MoveBack)
        });
        deeds
    })
}

/// The last line, at the latest, brings everything that came before it.
fn prove_after_another_line(scene: &mut Scene, story: &dyn std::fmt::Debug) {
    scene.follower.disk.before_each = None;
    scene.perform(Reopen);
    scene.perform(Write);
    scene.prove(false, story);
}

/// Looks while each deed happens so many accesses after the one before.
fn happen_within_looks(scene: &mut Scene, deeds: &[(Vec<Op>, usize)]) {
    let mut coming = Vec::from(deeds).into_iter();
    let mut next = coming.next();
    let left = Rc::new(RefCell::new(true));
    let told = Rc::clone(&left);
    scene.before_each_access(move |world, _| {
        while let Some((ops, wait)) = &mut next {
            if *wait > 0 {
                *wait -= 1;
                return;
            }
            ops.iter().for_each(|op| world.perform(*op));
            next = coming.next();
        }
        *told.borrow_mut() = false;
    });
    while *left.borrow() {
        scene.look();
    }
}

#[test]
fn what_was_read_of_an_old_file_is_known_when_it_is_cut_or_gets_its_first_line() {
    let stories: [&[(&[Op], usize)]; 4] = [
        // Cut after its packed form was made and before that was judged.
        &[
            (&[Rename, Reopen, Rename, Write, Pack], 0),
            (&[MoveBack], 26),
            (&[Truncate], 0),
        ],
        &[
            (&[Truncate, Write, CopyAll, Truncate, Remove], 0),
            (&[MoveBack], 9),
            (&[CopyAll, Truncate], 4),
        ],
        // The first line comes between the question whether there is one and the reading.
        &[
            (&[Truncate], 0),
            (&[Rename], 20),
            (&[Create], 1),
            (&[Write], 49),
        ],
        &[
            (&[Rename, Reopen], 0),
            (&[CopyAll], 0),
            (&[Write], 0),
            (&[CopyAll], 39),
        ],
    ];
    for story in stories {
        for shift in 0..12 {
            let deeds = story.iter().enumerate().map(|(at, (ops, wait))| {
                (
                    ops.to_vec(),
                    if at + 1 == story.len() {
                        wait + shift
                    } else {
                        *wait
                    },
                )
            });
            let deeds: Vec<_> = deeds.collect();
            let mut scene = Scene::new(0);
            happen_within_looks(&mut scene, &deeds);
            prove_after_another_line(&mut scene, &deeds);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_rotations_loses_or_repeats_a_line(
        deeds in proptest::collection::vec((any_deed(), 0u8..3), 1..25),
        padding in 0usize..800,
    ) {
        let mut scene = Scene::new(padding);
        for (ops, looks) in &deeds {
            for op in ops {
                scene.perform(*op);
            }
            for _ in 0..*looks {
                scene.look();
            }
        }
        prove_after_another_line(&mut scene, &deeds);
    }

    #[test]
    fn nor_does_one_that_happens_while_the_follower_looks(
        deeds in any_usual_story(),
        padding in 0usize..800,
    ) {
        let mut scene = Scene::new(padding);
        happen_within_looks(&mut scene, &deeds);
        prove_after_another_line(&mut scene, &deeds);
    }
}
