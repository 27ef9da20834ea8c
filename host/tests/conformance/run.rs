//! Runs the steps of a case. `tests/conformance/README.md` says what each does.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use dotwit_host::{DotNetObject, Error, Guest, JsObject, JsStream, Session, Target};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use tokio::io::AsyncReadExt as _;

use crate::HOST;
use crate::page::Page;
use crate::values::{Any, pattern};

/// How long one step may take: a call that hangs is a failure like others.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Step {
    call: Option<String>,
    begin: Option<String>,
    cancel: Option<String>,
    r#await: Option<String>,
    reference: Option<String>,
    dispose: Option<String>,
    replace: Option<String>,
    log: Option<Vec<String>>,
    live: Option<Live>,

    on: Option<String>,
    assembly: Option<String>,
    args: Vec<Value>,
    sync: bool,
    r#as: Option<String>,
    with: Value,
    #[serde(deserialize_with = "present")]
    gives: Option<Value>,
    fails: Option<Failure>,
}

/// A null is something, too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct Failure {
    kind: Option<String>,
    message: Option<String>,
    detail: Option<String>,
}

#[derive(Deserialize)]
struct Live {
    guest: Option<u32>,
    page: Option<usize>,
}

/// What a step has named.
enum Named {
    Object(DotNetObject),
    Reference(JsObject),
    Call(Pin<Box<dyn Future<Output = Result<Any, Error>>>>),
    Cancelled,
}

struct Run {
    session: Session,
    page: Page,
    names: HashMap<String, Named>,
    runtime: tokio::runtime::Runtime,
}

/// Runs a case and says what went wrong.
pub(crate) fn case(steps: &[Map<String, Value>], guest: &Guest) -> Result<(), String> {
    let page = Page::new();
    let session = guest.session_with_page(page.native()).map_err(|error| error.to_string())?;
    *page.session.lock().expect("no thread panics while it holds the lock") = Some(session.clone());
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let mut run = Run { session, page, names: HashMap::new(), runtime };
    let outcome = steps.iter().enumerate().try_for_each(|(index, step)| {
        let mut merged = step.clone();
        if let Some(Value::Object(own)) = step.get(HOST) {
            merged.extend(own.clone());
        }
        let parsed = serde_json::from_value(Value::Object(merged)).map_err(|error| error.to_string());
        let outcome = parsed.and_then(|parsed| run.step(parsed));
        outcome.map_err(|what| format!("step {}, {}: {what}", index + 1, Value::Object(step.clone())))
    });
    // The page has the session, and the session the page.
    run.page.session.lock().expect("no thread panics while it holds the lock").take();
    outcome
}

impl Run {
    fn step(&mut self, mut step: Step) -> Result<(), String> {
        if let Some(method) = step.call.take() {
            let outcome = self.call(&method, &step)?;
            self.check(outcome, step)
        } else if let Some(method) = step.begin.take() {
            let args = self.arguments(&step)?;
            let call = self.session.invoke_async::<Any>(self.target(&step)?, &method, args);
            self.name(step.r#as, Named::Call(Box::pin(call)))
        } else if let Some(name) = step.cancel.take() {
            // Dropping its future is how a native program cancels a call.
            self.names.insert(name, Named::Cancelled).map(drop).ok_or_else(|| "nothing has that name".to_owned())
        } else if let Some(name) = step.r#await.take() {
            match self.names.remove(&name) {
                Some(Named::Call(call)) => {
                    let outcome = self.within(call)?;
                    self.check(outcome, step)
                }
                // A future that is gone has no outcome.
                Some(Named::Cancelled) => Ok(()),
                _ => Err(format!("no call has the name '{name}'")),
            }
        } else if let Some(path) = step.reference.take() {
            let object = self.page.at(&path)?;
            self.name(step.r#as, Named::Reference(object))
        } else if let Some(name) = step.dispose.take() {
            self.object(&name)?.dispose().map_err(|error| error.to_string())
        } else if let Some(path) = step.replace.take() {
            self.replace(&path, step.with)
        } else if let Some(wanted) = step.log.take() {
            self.wait_for(|run| run.page.log.take_if(&wanted))
        } else if let Some(wanted) = step.live.take() {
            self.wait_for(|run| run.live(&wanted))
        } else {
            Err("it has no verb that this runner knows".to_owned())
        }
    }

    fn call(&mut self, method: &str, step: &Step) -> Result<Result<Any, Error>, String> {
        let (target, args) = (self.target(step)?, self.arguments(step)?);
        if step.sync {
            return Ok(self.session.invoke(target, method, args));
        }
        let call = self.session.invoke_async(target, method, args);
        self.within(call)
    }

    /// Waits for a future on this thread's runtime, with a timeout.
    fn within<T>(&self, future: impl Future<Output = T>) -> Result<T, String> {
        let limited = async { tokio::time::timeout(PATIENCE, future).await };
        self.runtime.block_on(limited).map_err(|_| format!("it did not end within {PATIENCE:?}"))
    }

    /// Waits for what follows a step on another thread.
    fn wait_for(&self, check: impl Fn(&Self) -> Result<(), String>) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        loop {
            match check(self) {
                Err(_) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
                outcome => return outcome,
            }
        }
    }

    fn target(&self, step: &Step) -> Result<Target, String> {
        match &step.on {
            Some(name) => self.object(name).map(|object| Target::Object(object.id())),
            None => Ok(Target::from(step.assembly.as_deref().unwrap_or("Conformance"))),
        }
    }

    fn arguments(&self, step: &Step) -> Result<Vec<Any>, String> {
        step.args.iter().map(|value| self.argument(value)).collect()
    }

    fn argument(&self, value: &Value) -> Result<Any, String> {
        match value {
            Value::Array(items) => {
                items.iter().map(|item| self.argument(item)).collect::<Result<_, _>>().map(Any::List)
            }
            Value::Object(fields) => match fields.iter().next().map(|(key, value)| (&**key, value)) {
                Some(("$bytes", Value::String(hex))) => from_hex(hex).map(|bytes| Any::Bytes(bytes.into())),
                Some(("$typed", Value::String(kind))) => {
                    Ok(Any::Typed(kind.clone(), elements_of(fields.get("elements"))?))
                }
                Some(("$bigint", Value::String(digits))) => {
                    digits.parse().map(Any::BigInt).map_err(|error| format!("'{digits}' is not an integer: {error}"))
                }
                Some(("$object", Value::String(name))) => self.object(name).map(Any::Object),
                Some(("$reference", Value::String(name))) => match self.names.get(name) {
                    Some(Named::Reference(object)) => Ok(Any::Page(object.clone())),
                    _ => Err(format!("no reference has the name '{name}'")),
                },
                Some(("$page", Value::String(path))) => self.page.at(path).map(Any::Page),
                Some(("$stream", Value::Number(length))) => {
                    Ok(Any::Stream(JsStream::from_bytes(pattern(length.as_u64().unwrap_or_default()))))
                }
                Some(("$blob", Value::Number(length))) => {
                    let length = length.as_u64().unwrap_or_default();
                    let reader = std::io::Cursor::new(pattern(length));
                    Ok(Any::Stream(JsStream::from_reader(length, reader)))
                }
                _ => {
                    let fields = fields.iter().map(|(key, value)| Ok((key.clone(), self.argument(value)?)));
                    fields.collect::<Result<_, String>>().map(Any::Map)
                }
            },
            _ => Ok(Any::Plain(value.clone())),
        }
    }

    fn check(&mut self, outcome: Result<Any, Error>, step: Step) -> Result<(), String> {
        match (outcome, step.fails, step.gives) {
            (Err(error), Some(wanted), _) => check_failure(&error, &wanted),
            (Err(error), None, _) => Err(format!("it failed: {} {error} {:?}", error.kind(), error.detail())),
            (Ok(value), Some(_), _) => Err(format!("it gave {} and should have failed", value.show())),
            (Ok(value), None, Some(wanted)) => self.matches(value, &wanted, "the result"),
            (Ok(_), None, None) => Err("it says neither what it gives nor how it fails".to_owned()),
        }
    }

    fn matches(&mut self, value: Any, wanted: &Value, what: &str) -> Result<(), String> {
        let pattern_of = match wanted {
            Value::Object(fields) => fields.iter().next().map(|(key, value)| (&**key, value)),
            _ => None,
        };
        let differs = |value: &Any| Err(format!("{what} is {}, not {wanted}", value.show()));
        match (pattern_of, value) {
            (Some(("$any", _)), _) => Ok(()),
            (Some(("$bytes", Value::String(hex))), Any::Bytes(bytes)) if *bytes == from_hex(hex)? => Ok(()),
            (Some(("$typed", Value::String(wanted_kind))), Any::Typed(kind, elements))
                if kind == *wanted_kind && elements == elements_of(wanted.get("elements"))? =>
            {
                Ok(())
            }
            (Some(("$bigint", Value::String(digits))), Any::BigInt(integer)) if integer.to_string() == *digits => {
                Ok(())
            }
            (Some(("$object", Value::String(name))), Any::Object(object)) => {
                self.name(Some(name.clone()), Named::Object(object))
            }
            (Some(("$page", Value::String(path))), Any::Page(object)) if object == self.page.at(path)? => Ok(()),
            (Some(("$stream", length)), Any::GuestStream(stream)) => {
                let bytes = self.read(stream)?.map_err(|error| format!("{what} failed: {error}"))?;
                if bytes == pattern(length.as_u64().unwrap_or_default()) {
                    return Ok(());
                }
                Err(format!("{what} has {} bytes that are not the pattern's first {length}", bytes.len()))
            }
            (Some(("$failing", Value::String(text))), Any::GuestStream(stream)) => match self.read(stream)? {
                Err(error) if error.to_string().contains(text) => Ok(()),
                outcome => Err(format!("{what} ended with {:?}, not with '{text}'", outcome.map(|bytes| bytes.len()))),
            },
            (_, Any::List(items)) => match wanted {
                Value::Array(all) if all.len() == items.len() => {
                    let pairs = items.into_iter().zip(all).enumerate();
                    pairs
                        .into_iter()
                        .try_for_each(|(at, (item, wanted))| self.matches(item, wanted, &format!("{what}'s {at}")))
                }
                _ => differs(&Any::List(items)),
            },
            (_, Any::Map(mut fields)) => match wanted {
                Value::Object(all) if all.keys().eq(fields.keys()) => all.iter().try_for_each(|(key, wanted)| {
                    let field = fields.remove(key).unwrap_or(Any::Plain(Value::Null));
                    self.matches(field, wanted, &format!("{what}'s {key}"))
                }),
                _ => differs(&Any::Map(fields)),
            },
            (_, Any::Plain(value)) if same(&value, wanted) => Ok(()),
            (_, value) => differs(&value),
        }
    }

    fn read(&self, mut stream: dotwit_host::DotNetStream) -> Result<std::io::Result<Vec<u8>>, String> {
        self.within(async {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.map(|_| bytes)
        })
    }

    fn live(&self, wanted: &Live) -> Result<(), String> {
        let guest = self.session.live_references().map_err(|error| error.to_string())?;
        let page = self.session.live_page_references();
        match wanted {
            Live { guest: Some(count), .. } if *count != guest => {
                Err(format!("the page can name {guest} objects of the guest, not {count}"))
            }
            Live { page: Some(count), .. } if *count != page => {
                Err(format!("the guest can name {page} objects of the page, not {count}"))
            }
            _ => Ok(()),
        }
    }

    fn replace(&self, path: &str, value: Value) -> Result<(), String> {
        let name = path.strip_prefix("conformance.").ok_or("the page is 'conformance'")?;
        let page = self.page.conformance.clone();
        // A function that gives the value, where there was a function.
        if page.get::<JsObject>(name).is_ok() {
            let _ = page.function(name, move |_: Vec<Any>| Ok(value.clone()));
            return Ok(());
        }
        page.set(name, value).map_err(|error| error.to_string())
    }

    fn object(&self, name: &str) -> Result<DotNetObject, String> {
        match self.names.get(name) {
            Some(Named::Object(object)) => Ok(object.clone()),
            _ => Err(format!("no object has the name '{name}'")),
        }
    }

    fn name(&mut self, name: Option<String>, named: Named) -> Result<(), String> {
        self.names.insert(name.ok_or("it needs a name")?, named);
        Ok(())
    }
}

/// Numbers that JavaScript does not tell apart are equal.
fn same(value: &Value, wanted: &Value) -> bool {
    value == wanted || value.as_f64().is_some_and(|number| wanted.as_f64() == Some(number))
}

fn check_failure(error: &Error, wanted: &Failure) -> Result<(), String> {
    let contains = |text: &str, part: &Option<String>, what: &str| match part {
        Some(part) if !text.contains(part) => Err(format!("the {what} of the error is '{text}', which lacks '{part}'")),
        _ => Ok(()),
    };
    if wanted.kind.as_ref().is_some_and(|kind| *kind != error.kind().to_string()) {
        return Err(format!("the kind of the error '{error}' is {}, not {:?}", error.kind(), wanted.kind));
    }
    contains(error.message(), &wanted.message, "message")?;
    contains(error.detail().unwrap_or_default(), &wanted.detail, "detail")
}

/// The elements of a typed array, as texts.
fn elements_of(elements: Option<&Value>) -> Result<Vec<String>, String> {
    let elements = elements.and_then(Value::as_array).ok_or("a typed array has elements")?;
    elements.iter().map(|element| Ok(element.as_str().ok_or("an element is a text")?.to_owned())).collect()
}

fn from_hex(hex: &str) -> Result<Vec<u8>, String> {
    let digits = |at| hex.get(at..at + 2).ok_or("a byte has two digits").map_err(str::to_owned);
    let byte = |at| u8::from_str_radix(digits(at)?, 16).map_err(|error| error.to_string());
    (0..hex.len()).step_by(2).map(byte).collect()
}
