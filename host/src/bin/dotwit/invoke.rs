//! `dotwit invoke`.

use std::future::IntoFuture;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use dotwit_host::{DotNetObject, Message, Session, Target};
use serde_json::Value;

use crate::Limits;

/// The command's arguments.
#[derive(Args)]
pub(crate) struct Invoke {
    /// The guest: a component file.
    guest: PathBuf,
    /// The assembly's name, as the guest's `dotwit::export!` gives it.
    assembly: String,
    /// The method's id.
    method: String,
    /// The arguments: one JSON array, or `-` to read it from standard input.
    #[arg(default_value = "[]")]
    args: String,
    /// Calls METHOD with ARGS on the object that the call before has returned; may be repeated.
    #[arg(long, num_args = 2, value_names = ["METHOD", "ARGS"])]
    then: Vec<String>,
    /// Gives up after this many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = crate::seconds)]
    timeout: Option<Duration>,
    #[command(flatten)]
    limits: Limits,
}

impl Invoke {
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        if self.args == "-" {
            self.args.clear();
            std::io::stdin().read_to_string(&mut self.args).context("cannot read the arguments from standard input")?;
        }
        let session = self.limits.runtime()?.load(&self.guest)?.session()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let result = runtime.block_on(async {
            match self.timeout {
                Some(timeout) => tokio::time::timeout(timeout, self.calls(&session)).await.unwrap_or_else(|_| {
                    bail!("timed-out: The call to '{}' took longer than {timeout:?}.", self.method)
                }),
                None => self.calls(&session).await,
            }
        })?;
        println!("{}", with_bytes(result)?);
        Ok(())
    }

    /// Makes the calls, one after the other, and gives the last one's result.
    async fn calls(&self, session: &Session) -> anyhow::Result<Message> {
        let mut target = Target::Assembly(self.assembly.clone());
        let mut method = &self.method;
        let mut args = &self.args;
        let mut rest = self.then.chunks_exact(2);
        loop {
            let message = Message::from(args.as_str());
            let result = session.invoke_message_async(&target, method, &message).into_future().await?;
            let Some([next_method, next_args]) = rest.next() else { return Ok(result) };
            let object: DotNetObject = serde_json::from_str(&result.json)
                .with_context(|| format!("'{method}' returned no object to call '{next_method}' on"))?;
            (target, method, args) = (Target::from(&object), next_method, next_args);
        }
    }
}

/// The text of a result, with its byte arrays as base-64 strings where they belong.
fn with_bytes(result: Message) -> anyhow::Result<String> {
    if result.bytes.is_empty() {
        return Ok(result.json);
    }
    let mut value = serde_json::from_str(&result.json)?;
    fill_in(&mut value, &result.bytes);
    Ok(value.to_string())
}

fn fill_in(value: &mut Value, bytes: &[Vec<u8>]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in(item, bytes)),
        Value::Object(fields) => {
            let index = fields.get("__byte[]").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
            match index.and_then(|index| bytes.get(index)) {
                Some(bytes) => *value = Value::String(BASE64_STANDARD.encode(bytes)),
                None => fields.values_mut().for_each(|field| fill_in(field, bytes)),
            }
        }
        _ => {}
    }
}
