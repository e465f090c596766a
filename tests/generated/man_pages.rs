//! One man page for the program and one for each command.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::{Files, command, compare, folder, judged_by};

/// Stands between an example and its explanation in a help text.
const GAP: &str = "  ";

fn generated() -> Files {
    let root = command()
        .subcommand_help_heading("COMMANDS")
        .subcommand_value_name("command");
    let mut files = Files::from([page(&root, None)]);
    let mut commands: Vec<&Command> = root.get_subcommands().collect();
    while let Some(command) = commands.pop() {
        files.extend([page(command, Some(&root))]);
        commands.extend(command.get_subcommands());
    }
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

/// The text below the flags. A line at the margin is a heading or a paragraph; an indented one is
/// an example with its explanation behind a gap, or a line of a file.
fn further_help(command: &Command, page: &mut Roff) {
    let help = command.get_after_help().map(ToString::to_string);
    let help = help.unwrap_or_default();
    let mut lines = help.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with(' ') {
            let mut block = vec![line.trim()];
            while let Some(line) = lines.next_if(|line| line.starts_with(' ')) {
                block.push(line.trim());
            }
            indented(&block, page);
        } else if line == "Examples:" || line == "Begin with:" {
            page.control("SH", ["EXAMPLES"]);
        } else if let Some(codes) = line.strip_prefix("Exit codes: ") {
            page.control("SH", ["EXIT STATUS"]).text([roman(codes)]);
        } else if line.is_empty() {
            if lines
                .peek()
                .is_some_and(|next| !next.starts_with("Exit codes: "))
            {
                page.control("PP", []);
            }
        } else {
            page.text([roman(line)]);
        }
    }
}

fn indented(block: &[&str], page: &mut Roff) {
    if !block.iter().any(|line| line.contains(GAP)) {
        page.control("EX", []);
        for line in block {
            page.text([roman(*line)]);
        }
        page.control("EE", []);
        return;
    }
    for line in block {
        let (example, explanation) = line.split_once(GAP).unwrap_or((line, ""));
        page.control("TP", []).text([bold(example)]);
        if !explanation.is_empty() {
            page.text([roman(explanation.trim())]);
        }
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
