//! The floors of the source trees: what may import what, as ARCHITECTURE.md has it.
//!
//! There a block ```` ```floors host/src ```` lists the rooms of that tree, the files and folders directly in it: a line for each
//! floor, the top one first. A room imports only rooms of lower floors, so no two import each other, and there is no circle. A line
//! `one <-> other: reason` excuses a pair.
//!
//! Imports are read without a parser: comments and Rust's test modules are cut off, and `crate::`, `super::`, `from '…'` and
//! `import('…')` looked for. A name that `lib.rs` hands on stands for the room that it comes from. A tree may be a module of a crate,
//! whose `mod.rs` stands for `lib.rs`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use xshell::Shell;

use crate::project::{files, root};

/// Checks every tree that ARCHITECTURE.md has floors for.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let architecture = sh.read_file("ARCHITECTURE.md")?;
    let mut found = Vec::new();
    for block in architecture.split("\n```floors ").skip(1) {
        let (tree, floors) = block.split_once('\n').context("a block of floors has no end")?;
        let folder = root().join(tree);
        let mut sources = BTreeMap::new();
        for file in files(&folder)? {
            let name = file.strip_prefix(&folder)?.to_string_lossy().replace('\\', "/");
            if name.ends_with(".rs") || name.ends_with(".js") {
                sources.insert(name, sh.read_file(&file)?);
            }
        }
        let floors = floors.split("```").next().unwrap_or_default();
        found.extend(problems(floors, &module(tree), &sources).into_iter().map(|problem| format!("{tree}: {problem}")));
    }
    ensure!(found.is_empty(), "the floors of ARCHITECTURE.md do not hold:\n{}", found.join("\n"));
    Ok(())
}

/// The module that a tree of Rust is, as paths begin with it.
fn module(tree: &str) -> String {
    let inside = tree.split_once("/src/").map_or("", |(_, inside)| inside);
    inside.split('/').filter(|part| !part.is_empty()).fold("crate::".to_owned(), |path, part| path + part + "::")
}

/// What of a block does not hold of a tree's sources, which are given by their paths in it.
fn problems(block: &str, module: &str, sources: &BTreeMap<String, String>) -> Vec<String> {
    let (mut floors, mut excused) = (BTreeMap::new(), BTreeSet::new());
    for (floor, line) in block.lines().enumerate() {
        match line.split(':').next().and_then(|pair| pair.split_once("<->")) {
            Some((one, other)) => excused.extend([(one.trim(), other.trim()), (other.trim(), one.trim())]),
            None => floors.extend(line.split_whitespace().map(|room| (room, floor))),
        }
    }
    let rooms: BTreeSet<_> = sources.keys().map(|file| room(file)).collect();
    let without_floor = rooms.iter().filter(|room| !floors.contains_key(*room));
    let without_room = floors.keys().filter(|room| !rooms.contains(*room));
    let mut found: Vec<_> = without_floor.map(|room| format!("{room} stands on no floor")).collect();
    found.extend(without_room.map(|room| format!("there is no {room}")));

    let top = if sources.contains_key("lib.rs") { "lib" } else { "mod" };
    let handed_on = sources.get(&format!("{top}.rs")).map(|text| handed_on(&code(text), &rooms)).unwrap_or_default();
    for (file, text) in sources {
        let code = code(text);
        let imported: BTreeSet<_> = if file.ends_with(".rs") {
            let resolve = |name| rooms.get(name).or(handed_on.get(name)).copied().unwrap_or(top).to_owned();
            names_from_root(&code, module, module_depth(file)).into_iter().map(resolve).collect()
        } else {
            specifiers(&code).filter_map(|name| relative(file, name)).map(|file| room(&file).to_owned()).collect()
        };
        for to in imported.iter().filter(|to| *to != room(file) && !excused.contains(&(room(file), to))) {
            if floors.get(room(file)).zip(floors.get(&**to)).is_some_and(|(from, to)| from >= to) {
                found.push(format!("{file} imports {to}, which does not stand below {}", room(file)));
            }
        }
    }
    found
}

/// The file or folder at the top of a tree that a file is or lies in.
fn room(file: &str) -> &str {
    let top = file.split('/').next().unwrap_or_default();
    top.split('.').next().unwrap_or_default()
}

/// A text without its comments, and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut parts = text.split("/*");
    let first = parts.next().unwrap_or_default().to_owned();
    let code = first + &parts.filter_map(|part| Some(part.split_once("*/")?.1)).collect::<String>();
    code.lines().filter_map(|line| line.split("//").next()).collect::<Vec<_>>().join("\n")
}

/// How many modules a Rust file is below the crate's root.
fn module_depth(file: &str) -> usize {
    let path = file.strip_suffix(".rs").unwrap_or(file);
    let path = path.strip_suffix("mod").unwrap_or(path);
    if path == "lib" { 0 } else { path.split('/').filter(|part| !part.is_empty()).count() }
}

/// The names that Rust code takes from the root of its tree, when it stands so many modules below it.
fn names_from_root<'c>(code: &'c str, module: &str, depth: usize) -> Vec<&'c str> {
    let mut names = Vec::new();
    for start in [module, "super::"] {
        for (at, _) in code.match_indices(start) {
            // A part of a longer path or word, or a macro's `$crate`.
            if code[..at].ends_with(|c: char| is_word(c) || c == ':' || c == '$') {
                continue;
            }
            let mut rest = &code[at..];
            let mut supers = 0;
            while let Some(more) = rest.strip_prefix("super::") {
                (rest, supers) = (more, supers + 1);
            }
            if supers == 0 || supers == depth {
                names.extend(first_names(rest.strip_prefix(module).unwrap_or(rest)));
            }
        }
    }
    names
}

/// The name that a path begins with, or those of a list in braces. A `*` has none.
fn first_names(path: &str) -> Vec<&str> {
    let first = |text: &'_ str| text.find(|c| !is_word(c)).unwrap_or(text.len());
    let Some(list) = path.strip_prefix('{') else {
        return Some(&path[..first(path)]).filter(|name| !name.is_empty()).into_iter().collect();
    };
    let (mut names, mut depth, mut at_start) = (Vec::new(), 0, true);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            c if at_start && is_word(c) => {
                names.push(&list[at..at + first(&list[at..])]);
                at_start = false;
            }
            _ => {}
        }
    }
    names
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The names that `lib.rs` takes from rooms, and from which.
fn handed_on<'r>(lib: &str, rooms: &BTreeSet<&'r str>) -> BTreeMap<String, &'r str> {
    let mut names = BTreeMap::new();
    for path in lib.split("use ").skip(1).filter_map(|rest| rest.split(';').next()) {
        let mut words = path.split(|c| !is_word(c)).filter(|word| !["", "crate", "self"].contains(word));
        if let Some(room) = words.next().and_then(|room| rooms.get(room)) {
            names.extend(words.map(|name| (name.to_owned(), *room)));
        }
    }
    names
}

/// The relative modules that JavaScript imports.
fn specifiers(code: &str) -> impl Iterator<Item = &str> {
    let starts = ["from '", "import '", "import('"].into_iter();
    let names = starts.flat_map(|start| code.split(start).skip(1).filter_map(|rest| rest.split('\'').next()));
    names.filter(|name| name.starts_with('.'))
}

/// The path that a module's name means in a file; `None` if it leads out of the tree.
fn relative(file: &str, name: &str) -> Option<String> {
    let mut path: Vec<_> = file.split('/').collect();
    path.pop();
    for part in name.split('/').filter(|part| *part != ".") {
        match part {
            ".." => drop(path.pop()?),
            part => path.push(part),
        }
    }
    Some(path.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOORS: &str = "lib\nsession\nengine\nerror";

    /// What is wrong with a crate in which `engine/store.rs` has this text.
    fn with_store(floors: &str, store: &str) -> Vec<String> {
        let lib = "mod error;\npub use session::{Session, Page as NoPage};\npub use error::Error;";
        let session = "use crate::{Error, engine::{self, store::State}};";
        let engine = "use std::fmt;\n#[cfg(test)]\nmod tests { use crate::Session; }";
        let sources = [
            ("lib.rs", lib),
            ("session.rs", session),
            ("engine/mod.rs", engine),
            ("engine/store.rs", store),
            ("error.rs", ""),
        ];
        problems(floors, "crate::", &sources.map(|(file, text)| (file.to_owned(), text.to_owned())).into())
    }

    #[test]
    fn a_tree_that_keeps_to_its_floors_is_fine() {
        for store in [
            "// crate::Session",
            "use super::Engine; /* crate::session */",
            "use crate::error as e;",
            "$crate::session",
        ] {
            assert_eq!(with_store(FLOORS, store), [""; 0], "{store}");
        }
    }

    #[test]
    fn what_climbs_is_found_and_may_be_excused() {
        for climbs in [
            "use crate::session::Session;",
            "use crate::{error::{Error}, session};",
            "use crate::NoPage;",
            "fn f() { super::super::session::f() }",
        ] {
            let expected = "engine/store.rs imports session, which does not stand below engine";
            assert_eq!(with_store(FLOORS, climbs), [expected], "{climbs}");
            assert_eq!(with_store(&format!("{FLOORS}\nsession <-> engine: why"), climbs), [""; 0]);
        }
        assert_eq!(with_store(FLOORS, "crate::Item").len(), 1, "an item of lib.rs itself");
        assert_eq!(with_store("lib\nsession engine\nerror", "").len(), 1, "on the same floor");
    }

    #[test]
    fn a_room_has_a_floor_and_a_floor_has_rooms() {
        let found = with_store("lib\nsession\nengine\nattic", "");
        assert_eq!(found, ["error stands on no floor", "there is no attic"]);
    }

    #[test]
    fn a_tree_may_be_a_module() {
        assert_eq!(
            (module("host/src"), module("host/src/server")),
            ("crate::".to_owned(), "crate::server::".to_owned())
        );
        let sources = [
            ("mod.rs", "mod wire;\npub use self::listen::Server;"),
            ("listen.rs", "use crate::server::wire::Frame; use super::super::listen::Other;"),
            ("wire/read.rs", "use super::super::Server; use crate::listen;"),
        ];
        let sources = sources.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
        let climbs = ["wire/read.rs imports listen, which does not stand below wire"];
        assert_eq!(problems("mod\nlisten\nwire", "crate::server::", &sources), climbs);
    }

    #[test]
    fn javascript_is_read_too() {
        let start = "import { a } from './wire/read.js'; /** @type {import('./no.js').T} */ const b = import('./guest/load.js');";
        let sources = [
            ("start.js", start),
            ("wire/read.js", "export * from './json.js';"),
            ("guest/load.js", "import '../wire/json.js';"),
        ];
        let sources = sources.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
        assert_eq!(problems("start\nguest\nwire", "crate::", &sources), [""; 0]);
        let climbs = ["start.js imports guest, which does not stand below start"];
        assert_eq!(problems("guest\nstart\nwire", "crate::", &sources), climbs);
    }
}
