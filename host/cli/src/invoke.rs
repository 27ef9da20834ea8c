//! `dotwit invoke`.

use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use dotwit_host::{DotNetObject, Message, Session, Target};
use serde_json::Value;

use crate::common::{self, Limits};
use crate::console::Console;

/// The command's arguments.
#[derive(Args)]
pub(crate) struct Invoke {
    /// The guest: a component file.
    guest: PathBuf,
    /// The assembly's name, from the guest's `dotwit::export!`.
    assembly: String,
    /// The method's id.
    method: String,
    /// The arguments: one JSON array, or `-` to read it from standard input.
    #[arg(default_value = "[]")]
    args: String,
    /// Calls METHOD with ARGS on the object that the previous call returned, or on one inside its result: FIELD.METHOD. May be
    /// repeated.
    #[arg(long, num_args = 2, value_names = ["METHOD", "ARGS"])]
    then: Vec<String>,
    /// Gives up after this many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = common::seconds)]
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
        let session = self.limits.runtime()?.load(&self.guest)?.session_with_page(Console)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let result = runtime.block_on(self.calls(&session))?;
        common::print(&with_bytes(result)?)
    }

    /// Makes the calls, one after the other, and returns the last one's result.
    async fn calls(&self, session: &Session) -> anyhow::Result<Message> {
        let target = Target::Assembly(self.assembly.clone());
        let mut result = self.call(session, &target, &self.method, &self.args).await?;
        let mut called = &self.method;
        for then in self.then.chunks_exact(2) {
            let [method, args] = then else { unreachable!("clap gives two values each time") };
            let (object, method_of_object) = object_in(&result, method)
                .with_context(|| format!("'{called}' returned no object to call '{method}' on"))?;
            result = self.call(session, &Target::Object(object.id()), method_of_object, args).await?;
            called = method;
        }
        Ok(result)
    }

    async fn call(&self, session: &Session, target: &Target, method: &str, args: &str) -> anyhow::Result<Message> {
        let invocation = session.invoke_message_async(target, method, &Message::from_json(args));
        let Some(timeout) = self.timeout else { return Ok(invocation.await?.into_message()) };
        match tokio::time::timeout(timeout, invocation).await {
            Ok(outcome) => Ok(outcome?.into_message()),
            Err(_) => bail!("timed-out: The call to '{method}' took longer than {timeout:?}."),
        }
    }
}

/// Returns the object that a method is called on, and the method's id: the object is the result itself, or the field of it
/// that `method` names before the id, as in `genericType1.Update`.
fn object_in<'m>(result: &Message, method: &'m str) -> Option<(DotNetObject, &'m str)> {
    let mut value: Value = serde_json::from_str(&result.json).ok()?;
    let mut method = method;
    while value.get("__dotNetObject").is_none() {
        let (field, rest) = method.split_once('.')?;
        value = value.get_mut(field)?.take();
        method = rest;
    }
    Some((serde_json::from_value(value).ok()?, method))
}

/// Returns the text of a result, with each byte array in its place as a base-64 string.
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
