//! The page that the conformance guest calls, as `tests/conformance/page.mjs` has it for JavaScript.

use std::collections::HashMap;
use std::future::pending;
use std::io::Cursor;
use std::sync::{Arc, Mutex};

use dotwit_host::{BigInt, Bytes, DotNetObject, DotNetStream, JsObject, JsStream, NativePage, Session, TypedArray};
use serde::{Deserialize, Serialize, Serializer, ser};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use crate::values::{Any, pattern};

/// The page of one case.
#[derive(Clone)]
pub(crate) struct Page {
    /// What the guest finds as `conformance`.
    pub conformance: JsObject,
    pub window: JsObject,
    pub point: JsObject,
    pub log: Log,
    /// The session, once it has started.
    pub session: Arc<Mutex<Option<Session>>>,
}

/// What the page's functions have written down.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn push(&self, line: impl Into<String>) {
        self.0.lock().expect("no thread panics while it holds the lock").push(line.into());
    }

    /// What has been written down since this was last called with what turned out right.
    pub(crate) fn take_if(&self, wanted: &[String]) -> Result<(), String> {
        let mut lines = self.0.lock().expect("no thread panics while it holds the lock");
        if *lines != *wanted {
            return Err(format!("the log is {lines:?}, not {wanted:?}"));
        }
        lines.clear();
        Ok(())
    }
}

/// Writes down that it was dropped.
struct LogsDrop(Log);

impl Drop for LogsDrop {
    fn drop(&mut self) {
        self.0.push("aborted");
    }
}

/// What JSON cannot hold.
struct Cyclic;

impl Serialize for Cyclic {
    fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("the value is inside of itself"))
    }
}

fn point(x: i64, y: i64) -> JsObject {
    let point = JsObject::new().value("x", x).value("y", y);
    let (summed, squared) = (point.clone(), point.clone());
    point
        .function("sum", move |()| Ok(summed.get::<i64>("x")? + summed.get::<i64>("y")?))
        .getter("squared", move || Ok(squared.get::<i64>("x")?.pow(2) + squared.get::<i64>("y")?.pow(2)))
}

#[derive(Deserialize)]
struct Both {
    first: DotNetObject,
    second: DotNetObject,
}

#[derive(Deserialize, Serialize)]
struct Labelled {
    label: String,
    data: Bytes,
}

impl Page {
    pub(crate) fn new() -> Self {
        let log = Log::default();
        let session = Arc::new(Mutex::new(None::<Session>));
        let point = point(3, 4);
        let conformance = values(&log);
        let conformance = functions(conformance, &log);
        let conformance = page_objects(conformance, &point);
        let conformance = guest_objects(conformance, &log, &session);
        let conformance = streams(numbers(bytes(conformance)));
        let window = JsObject::new().object("conformance", conformance.clone());
        Self { conformance, window, point, log, session }
    }

    /// What a session is started with.
    pub(crate) fn native(&self) -> NativePage {
        let add = JsObject::new().function("add", |(a, b): (i64, i64)| Ok(a + b));
        NativePage::new(self.window.clone())
            .module("data:text/javascript,export function add(a, b) { return a + b; }", add)
            .module("data:text/javascript,export const a = 1;", JsObject::new().value("a", 1))
    }

    /// The object at a path, as cases write it.
    pub(crate) fn at(&self, path: &str) -> Result<JsObject, String> {
        match path {
            "" => Ok(self.window.clone()),
            "conformance" => Ok(self.conformance.clone()),
            "conformance.point" => Ok(self.point.clone()),
            _ => Err(format!("this page cannot hand out '{path}'")),
        }
    }
}

fn values(log: &Log) -> JsObject {
    let log = log.clone();
    JsObject::new()
        .value("value", 5)
        .value("text", "page")
        .value("nothing", Value::Null)
        .value("undefinedValue", Value::Null)
        .value("list", [1, 2])
        .value("nested.value", 7)
        .value("nested.deeper.name", "deep")
        .function("nested.deeper.join", |parts: Vec<String>| Ok(parts.join("-")))
        .getter("frozen.value", || Ok(1))
        .getter("readOnly", || Ok("read"))
        .setter("writeOnly", move |value: Value| {
            log.push(format!("writeOnly {value}"));
            Ok(())
        })
}

fn functions(page: JsObject, log: &Log) -> JsObject {
    let (this, noted, aborted) = (page.clone(), log.clone(), log.clone());
    page.function("moment", |()| Ok("now"))
        .function("moment.tz", |()| Ok(()))
        .function("moment.tz.guess", |()| Ok("Europe/Paris"))
        .value("moment.locale.name", "en")
        .function("add", |(a, b): (i64, i64)| Ok(a + b))
        .function("add.call", |(_, a, b): (Value, i64, i64)| Ok(a + b))
        .function("echo", |(value,): (Any,)| Ok(value))
        .function("count", |args: Vec<Any>| Ok(args.len()))
        .function("nothingAtAll", |()| Ok(()))
        .async_function("later", |(value,): (Any,)| async move {
            tokio::task::yield_now().await;
            Ok(value)
        })
        .function("thisValue", move |()| Ok(this.get::<i64>("value")?))
        .function("throws", |(message,): (String,)| Err::<(), _>(message.into()))
        .async_function("rejects", |(message,): (String,)| async move { Err::<(), _>(message.into()) })
        .function("throwsText", |(text,): (String,)| Err::<(), _>(text.into()))
        .function("cyclic", |()| Ok(Cyclic))
        .async_function("never", |()| pending::<Result<(), _>>())
        .async_function("abortable", move |()| {
            let dropped = LogsDrop(aborted.clone());
            async move {
                let _dropped = dropped;
                pending::<Result<(), _>>().await
            }
        })
        .function("note", move |(text,): (String,)| {
            noted.push(text);
            Ok(())
        })
}

fn page_objects(page: JsObject, same: &JsObject) -> JsObject {
    let (returned, compared, nested) = (same.clone(), same.clone(), same.clone());
    page.constructor("Point", |(x, y): (i64, i64)| Ok(point(x, y)))
        .function("Point.origin", |()| Ok(json!({ "x": 0, "y": 0 })))
        .object("point", same.clone())
        .function("makePoint", |(x, y): (i64, i64)| Ok(point(x, y)))
        .function("samePoint", move |()| Ok(returned.clone()))
        .function("sumOf", |(point,): (JsObject,)| Ok(point.get::<i64>("x")? + point.get::<i64>("y")?))
        .function("isPoint", move |(point,): (JsObject,)| Ok(point == compared))
        .function("nestedReference", move |()| {
            #[derive(Serialize)]
            struct Nested {
                label: &'static str,
                point: JsObject,
            }
            Ok(Nested { label: "a point", point: nested.clone() })
        })
}

fn guest_objects(page: JsObject, log: &Log, session: &Arc<Mutex<Option<Session>>>) -> JsObject {
    let kept = Arc::new(Mutex::new(HashMap::<String, DotNetObject>::new()));
    let (keeps, gives, forgets) = (Arc::clone(&kept), Arc::clone(&kept), kept);
    let log = log.clone();
    let (later, now) = (Arc::clone(session), Arc::clone(session));
    let started = |session: &Mutex<Option<Session>>| {
        session.lock().expect("no thread panics while it holds the lock").clone().ok_or("the session has not started")
    };
    page.function("keep", move |(name, object): (String, DotNetObject)| {
        keeps.lock().map_err(|error| error.to_string())?.insert(name, object);
        Ok(())
    })
    .function("forget", move |(name,): (String,)| {
        forgets.lock().map_err(|error| error.to_string())?.remove(&name);
        Ok(())
    })
    .async_function("increment", |(counter,): (DotNetObject,)| async move {
        Ok(counter.invoke_async::<i64>("Increment", ()).await?)
    })
    .function("incrementNow", |(counter,): (DotNetObject,)| Ok(counter.invoke::<i64>("Increment", ())?))
    .async_function("incrementKept", move |(name,): (String,)| {
        let counter = gives.lock().expect("no thread panics while it holds the lock").get(&name).cloned();
        async move { Ok(counter.ok_or("nothing is kept")?.invoke_async::<i64>("Increment", ()).await?) }
    })
    .async_function("incrementBoth", |(both,): (Both,)| async move {
        let first: i64 = both.first.invoke_async("Increment", ()).await?;
        let second: i64 = both.second.invoke_async("Increment", ()).await?;
        Ok((first, second))
    })
    .async_function("incrementAndDispose", move |(counter,): (DotNetObject,)| {
        let log = log.clone();
        async move {
            let call = counter.invoke_async::<i64>("Increment", ());
            counter.dispose()?;
            log.push(format!("incremented to {}", call.await?));
            Ok(())
        }
    })
    .async_function("addAgain", move |(a, b): (i64, i64)| {
        let session = started(&later);
        async move { Ok(session?.invoke_async::<i64>("Conformance", "Add", (a, b)).await?) }
    })
    .function("addAgainNow", move |(a, b): (i64, i64)| {
        Ok(started(&now)?.invoke::<i64>("Conformance", "Add", (a, b))?)
    })
}

fn bytes(page: JsObject) -> JsObject {
    fn reversed(mut bytes: Bytes) -> Bytes {
        bytes.reverse();
        bytes
    }
    page.function("reverse", |(bytes,): (Bytes,)| Ok(reversed(bytes)))
        .function("sizes", |arrays: Vec<Bytes>| Ok(arrays.iter().map(|bytes| bytes.len()).collect::<Vec<_>>()))
        .function("middle", |(bytes,): (Bytes,)| Ok(Bytes(bytes[1..bytes.len() - 1].to_vec())))
        .function("nestedBytes", |(value,): (Labelled,)| {
            Ok(Labelled { label: "reversed".to_owned(), data: reversed(value.data) })
        })
}

fn numbers(page: JsObject) -> JsObject {
    page.function("doubled", |(values,): (TypedArray<f32>,)| {
        Ok(TypedArray(values.iter().map(|value| 2.0 * value).collect::<Vec<_>>()))
    })
    .function("bigger", |(BigInt(integer),): (BigInt<i64>,)| Ok(BigInt(integer + 1)))
    .function("lower", |(integer,): (i64,)| Ok(integer % 10 + 4))
}

fn streams(page: JsObject) -> JsObject {
    let whole = |(length,): (u64,)| Ok(JsStream::from_bytes(pattern(length)));
    page.function("bytesOf", whole)
        .function("bufferOf", whole)
        .function("viewOf", whole)
        .function("blobOf", |(length,): (u64,)| Ok(JsStream::from_reader(length, Cursor::new(pattern(length)))))
        .function("nestedStream", |(length,): (u64,)| {
            #[derive(Serialize)]
            struct Nested {
                data: JsStream,
            }
            Ok(Nested { data: JsStream::from_bytes(pattern(length)) })
        })
        .async_function("lengthOfStream", |(mut stream,): (DotNetStream,)| async move {
            let mut bytes = Vec::new();
            Ok(stream.read_to_end(&mut bytes).await?)
        })
        .async_function("checkStream", |(mut stream, length): (DotNetStream, u64)| async move {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await?;
            Ok(bytes == pattern(length))
        })
        .async_function("cancelStream", |(mut stream,): (DotNetStream,)| async move {
            let mut bytes = [0; 100];
            stream.read_exact(&mut bytes).await?;
            Ok(bytes == *pattern(100))
        })
}
