//! One man page for the program and one for each command.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::{Files, command, compare, folder, judged_by};

fn generated() -> Files {
    let root = command();
    let mut files = Files::from([page(&root, None)]);
    files.extend(
        root.get_subcommands()
            .map(|command| page(command, Some(&root))),
    );
    files
}

/// The page of `command`: its file name and its text.
fn page(command: &Command, root: Option<&Command>) -> (String, Vec<u8>) {
    let program = root.unwrap_or(command);
    let man = Man::new(command.clone());
    let title = man.get_filename().to_uppercase().replace(".1", "");
    let man = man
        .title(title)
        .date(date_of_release())
        .source(format!(
            "{} {}",
            program.get_name(),
            program.get_version().unwrap_or_default()
        ))
        .manual("User Commands");
    let mut text = Vec::new();
    man.render_title(&mut text).unwrap();
    man.render_name_section(&mut text).unwrap();
    man.render_synopsis_section(&mut text).unwrap();
    man.render_description_section(&mut text).unwrap();
    man.render_options_section(&mut text).unwrap();
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text).unwrap();
    }
    let mut rest = Roff::default();
    further_help(command, &mut rest);
    if root.is_some() {
        exit_status(&mut rest);
    }
    see_also(command, root, &mut rest);
    rest.to_writer(&mut text).unwrap();
    (man.get_filename(), tidied(&text))
}

/// The date of the newest release in the change log: a page must not change with the day on which
/// it is rendered.
fn date_of_release() -> String {
    let log = std::fs::read_to_string(folder("CHANGELOG.md")).unwrap();
    let heading = log
        .lines()
        .find(|line| line.starts_with("## [") && line.contains("] - "))
        .expect("the change log has a release with a date");
    heading.rsplit(' ').next().unwrap_or_default().to_owned()
}

/// The text below the flags: lines that are indented stay as they are, the others are headings
/// (with a colon at the end) or paragraphs.
fn further_help(command: &Command, page: &mut Roff) {
    let help = command.get_after_help().map(ToString::to_string);
    let mut is_verbatim = false;
    let mut is_paragraph = false;
    for line in help.unwrap_or_default().lines() {
        let verbatim = line.starts_with(' ');
        if verbatim != is_verbatim {
            page.control(if verbatim { "EX" } else { "EE" }, []);
            is_verbatim = verbatim;
        }
        if line.trim().is_empty() {
            is_paragraph = false;
            continue;
        }
        match line {
            "Examples:" | "Begin with:" => page.control("SH", ["EXAMPLES"]),
            _ if verbatim => page.text([roman(line.trim_start())]),
            _ => match line.strip_prefix("Exit codes: ") {
                Some(codes) => page.control("SH", ["EXIT STATUS"]).text([roman(codes)]),
                None if is_paragraph => page.text([roman(line)]),
                None => page.control("PP", []).text([roman(line)]),
            },
        };
        is_paragraph = !verbatim;
    }
    if is_verbatim {
        page.control("EE", []);
    }
}

fn exit_status(page: &mut Roff) {
    page.control("SH", ["EXIT STATUS"]);
    page.text([roman("The same for every command, see openclaw-sec(1).")]);
}

fn see_also(command: &Command, root: Option<&Command>, page: &mut Roff) {
    let mut others: Vec<String> = Vec::new();
    if root.is_some() {
        others.push("openclaw-sec(1)".to_owned());
    }
    let siblings = root.unwrap_or(command).get_subcommands();
    others.extend(
        siblings
            .filter(|other| other.get_name() != command.get_name())
            .map(|other| format!("openclaw-sec-{}(1)", other.get_name())),
    );
    page.control("SH", ["SEE ALSO"]);
    page.text([roman(others.join(", "))]);
}

/// Without what mandoc has to say about correct pages: blank and long lines, doubled breaks and
/// preambles.
fn tidied(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let mut tidy = String::new();
    let mut before = "";
    for line in text.lines().map(str::trim_end) {
        let is_preamble = line.starts_with(".ie ") || line.starts_with(".el ");
        if line.is_empty()
            || (line == ".br" && before == ".br")
            || (is_preamble && tidy.contains(line))
        {
            continue;
        }
        // Behind .TP stands a tag, which ends with its line. A line that begins with a dot would be
        // taken for a command.
        if line.starts_with(['.', '\'']) || before.starts_with(".TP") {
            tidy.push_str(line);
        } else {
            tidy.push_str(&textwrap::fill(line, wrapping()).replace("\n.", "\n\\&."));
        }
        tidy.push('\n');
        before = line;
    }
    tidy.into_bytes()
}

fn wrapping() -> textwrap::Options<'static> {
    textwrap::Options::new(72)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit)
        .break_words(false)
}

#[test]
fn man_pages_are_what_the_code_says() {
    compare("man", &generated());
}

#[test]
fn mandoc_has_nothing_to_say_about_the_man_pages() {
    for name in generated().keys() {
        judged_by(&["mandoc", "-T", "lint"], &folder("man").join(name));
    }
}
