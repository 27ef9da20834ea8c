//! `dotwit inspect`.

use std::path::PathBuf;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use dotwit_host::{Assembly, Method};

use crate::common::{self, Limits};

/// The command's arguments.
#[derive(Args)]
pub(crate) struct Inspect {
    /// The guest: a component file.
    guest: PathBuf,
    /// Prints everything that is known, as JSON instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    limits: Limits,
}

impl Inspect {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let guest = self.limits.runtime()?.load(&self.guest)?;
        if self.json {
            common::print(&serde_json::to_string_pretty(guest.assemblies())?)
        } else {
            let tables =
                guest.assemblies().iter().map(|assembly| format!("assembly {}\n{}", assembly.name, table(assembly)));
            common::print(&tables.collect::<Vec<_>>().join("\n"))
        }
    }
}

/// The width of the table where there is no terminal to ask, in characters.
const WIDTH: u16 = 140;

fn table(assembly: &Assembly) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header([
        "OBJECT",
        "METHOD",
        "PARAMETERS",
        "RESULT",
        "ASYNC",
        "DOCUMENTATION",
    ]);
    if !table.is_tty() {
        table.set_width(WIDTH);
    }
    for method in &assembly.methods {
        table.add_row(row("(static)", method));
    }
    for object in &assembly.types {
        for method in &object.methods {
            table.add_row(row(&object.name, method));
        }
    }
    table
}

fn row(object: &str, method: &Method) -> [String; 6] {
    let parameters: Vec<String> =
        method.parameters.iter().map(|parameter| format!("{}: {}", parameter.name, parameter.type_name)).collect();
    let docs = method.docs.as_deref().and_then(|docs| docs.lines().next()).unwrap_or_default();
    [
        object.to_owned(),
        method.id.clone(),
        parameters.join("\n"),
        method.returns.clone(),
        if method.is_async { "yes" } else { "" }.to_owned(),
        docs.to_owned(),
    ]
}
