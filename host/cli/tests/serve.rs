//! `dotwit serve` as a program: its flags and its file, what it answers, and how it stops.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// For what must happen, on the slowest machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A guest that `cargo xtask guests` has built.
fn guest(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests/wasm32-wasip2/release");
    let path = folder.join(name).with_extension("wasm");
    assert!(path.exists(), "{} is missing: run `cargo xtask guests`", path.display());
    path
}

fn dotwit() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dotwit"));
    command.env_remove("RUST_LOG");
    command
}

/// A folder with a page, a guest beside it, and whatever a test needs.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("www/sub")).unwrap();
        std::fs::write(folder.path().join("www/index.html"), "the page").unwrap();
        std::fs::write(folder.path().join("www/sub/index.html"), "the folder").unwrap();
        std::fs::copy(guest("hello"), folder.path().join("guest.wasm")).unwrap();
        Self { folder }
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).into_os_string().into_string().unwrap()
    }

    /// Runs `dotwit serve` to its end.
    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } =
            dotwit().args(["serve", &self.path("guest.wasm")]).args(args).output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    /// Starts `dotwit serve`, with few circuits, so that it takes little of the machine.
    fn serve(&self, args: &[&str]) -> Served {
        let mut child = dotwit()
            .args(["serve", &self.path("guest.wasm"), "--root", &self.path("www"), "--listen", "127.0.0.1:0"])
            .args(["--max-circuits=10"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (said, log) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
        let Some(Ok(first)) = lines.next() else {
            panic!("dotwit serve has not started: {:?}", log.iter().collect::<Vec<_>>())
        };
        let port = first.rsplit_once(':').unwrap().1.split('/').next().unwrap().parse().unwrap();
        Served { child, port, log }
    }
}

/// A `dotwit serve` that runs. It is killed with the test.
struct Served {
    child: Child,
    port: u16,
    log: Receiver<String>,
}

impl Served {
    /// Makes a request, and returns the status and everything that was answered.
    fn get(&self, path: &str, headers: &str) -> (u16, String) {
        get(self.port, path, headers)
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits for a line of the log that has some text in it.
    fn logs(&self, part: &str) {
        let mut seen = Vec::new();
        loop {
            match self.log.recv_timeout(LIMIT) {
                Ok(line) if line.contains(part) => return,
                Ok(line) => seen.push(line),
                Err(_) => panic!("'{part}' is not in the log: {seen:?}"),
            }
        }
    }

    /// Opens a WebSocket as the pages of the server do, says hello, and returns it with the first answer.
    async fn hello(&self, json: &str) -> (Socket, Frame) {
        let mut request = format!("ws://127.0.0.1:{}/_dotwit/circuit", self.port).into_client_request().unwrap();
        request.headers_mut().insert("origin", format!("http://127.0.0.1:{}", self.port).parse().unwrap());
        request.headers_mut().insert("sec-websocket-protocol", "dotwit.v1".parse().unwrap());
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
        let mut socket = Socket(socket);
        let mut message = vec![0, 1, 64, u8::try_from(json.len()).unwrap()];
        message.extend(json.bytes());
        socket.0.send(Message::binary(message)).await.unwrap();
        let answer = socket.control().await;
        (socket, answer)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(port: u16, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let host = if headers.contains("host:") { "" } else { "host: localhost\r\n" };
    write!(stream, "GET {path} HTTP/1.1\r\n{host}connection: close\r\n{headers}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

/// A control frame: its kind and its JSON.
type Frame = (u8, serde_json::Value);

struct Socket(tokio_tungstenite::WebSocketStream<tokio::net::TcpStream>);

impl Socket {
    /// Waits for the next control frame with JSON in it.
    async fn control(&mut self) -> Frame {
        loop {
            let message = tokio::time::timeout(LIMIT, self.0.next()).await.unwrap().unwrap().unwrap();
            let Message::Binary(bytes) = message else { continue };
            let mut rest = &bytes[..];
            varint(&mut rest);
            varint(&mut rest);
            while let Some((kind, body)) = rest.split_first() {
                rest = body;
                let length = usize::try_from(varint(&mut rest)).unwrap();
                let (body, after) = rest.split_at(length);
                rest = after;
                if *kind >= 64 && !matches!(kind, 69 | 70) {
                    return (*kind, serde_json::from_slice(body).unwrap());
                }
            }
        }
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return value;
        }
    }
}

#[test]
fn a_file_sets_flags_and_flags_win_over_it() {
    let site = Site::new();
    let file = site.write(
        "dotwit.toml",
        "root = 'www'\nretention = 7\nbeat = 2.5\nwatch = true\norigin = ['https://a.example']\n",
    );
    let print = |more: &[&str]| {
        let (code, out, err) = site.run(&[&["--config", &file, "--print-config"], more].concat());
        assert_eq!(code, Some(0), "{err}");
        out
    };
    let printed = print(&["--retention", "9", "--origin=https://b.example"]);
    for line in [
        "root = \"www\"",
        "retention = 9",
        "beat = 2.5",
        "watch = true",
        "origin = [\"https://b.example\"]",
        "max-message = \"32KiB\"",
    ] {
        assert!(printed.lines().any(|found| found == line), "{line} is missing in\n{printed}");
    }
    // What is printed is such a file, and says the same.
    let again = site.write("printed.toml", &printed);
    let (code, out, err) = site.run(&["--config", &again, "--print-config"]);
    assert_eq!((code, out), (Some(0), printed), "{err}");
}

#[test]
fn a_file_that_is_wrong_is_refused_with_what_was_meant() {
    let site = Site::new();
    for (text, part) in [
        ("retentoin = 7", "the unknown key 'retentoin'; did you mean 'retention'?"),
        ("max_message = 7", "did you mean 'max-message'?"),
        ("xyzzy = 7", "the unknown key 'xyzzy'"),
        ("print-config = true", "unknown key"),
        ("watch = 1", "'watch' is 1, and must be true or false"),
        ("retention = [7]", "'retention' is a list"),
        ("retention = 1979-05-27", "must be a string or a number"),
        ("retention = 'long'", "'long'"),
        ("retention = ", "not TOML"),
    ] {
        let file = site.write("dotwit.toml", text);
        let (code, out, err) = site.run(&["--root", &site.path("www"), "--config", &file]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{text}: {err}");
        assert!(err.contains(part), "{text}: {err}");
    }
    let (code, _, err) = site.run(&["--root", "www", "--config", &site.path("nothing.toml")]);
    assert!(code == Some(2) && err.contains("nothing.toml"), "{err}");
}

#[test]
fn limits_that_contradict_each_other_are_refused_by_name() {
    let site = Site::new();
    let root = site.path("www");
    for (flags, part) in [
        (["--lost-after=1", "--beat=2"], "lost_after is 1s"),
        (["--node=Two Words", "--beat=2"], "node is 'Two Words'"),
        (["--dir=nothing::/data", "--beat=2"], "'nothing'"),
        (["--header=a b: c", "--beat=2"], "header"),
    ] {
        let (code, _, err) =
            site.run(&[&["--root", &root, "--listen", "127.0.0.1:0", "--max-circuits=10"], &flags[..]].concat());
        assert_eq!(code, Some(1), "{err}");
        assert!(err.contains(part), "{flags:?}: {err}");
    }
}

#[test]
fn pages_have_headers_that_can_be_replaced() {
    let site = Site::new();
    let (_, answer) = site.serve(&[]).get("/", "");
    for line in [
        "content-security-policy: default-src 'self'; ",
        "x-content-type-options: nosniff\r\n",
        "referrer-policy: same-origin\r\n",
        "cross-origin-opener-policy: same-origin\r\n",
    ] {
        assert!(answer.contains(line), "{line} is missing in {answer}");
    }
    let own = site.serve(&["--header", "Content-Security-Policy: default-src 'none'", "--header", "Referrer-Policy:"]);
    for path in ["/", "/_dotwit/index.js", "/nothing"] {
        let (_, answer) = own.get(path, "");
        assert!(answer.contains("content-security-policy: default-src 'none'\r\n"), "{answer}");
        assert!(!answer.contains("referrer-policy"), "{answer}");
    }
}

#[test]
fn operators_are_answered_and_others_are_not() {
    let site = Site::new();
    let served = site.serve(&[]);
    assert_eq!(served.get("/healthz", "").0, 200);
    assert_eq!(served.get("/readyz", "").0, 200);
    let (status, text) = served.get("/metrics", "");
    assert_eq!(status, 200);
    assert!(text.contains("dotwit_circuits{state=\"live\"} 0") && text.ends_with("# EOF\n"), "{text}");
    for headers in ["x-forwarded-for: 203.0.113.9\r\n", "forwarded: for=203.0.113.9\r\n", "host: example.com\r\n"] {
        assert_eq!(served.get("/metrics", headers).0, 403, "{headers}");
    }
}

#[test]
fn an_address_for_operators_answers_nothing_else() {
    let site = Site::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let served = site.serve(&["--admin-listen", &format!("127.0.0.1:{free}")]);
    assert_eq!(get(free, "/metrics", "host: metrics.internal\r\n").0, 200);
    assert_eq!(get(free, "/readyz", "").0, 200);
    assert_eq!(get(free, "/", "").0, 404);
    assert_eq!(served.get("/metrics", "").0, 404);
}

#[test]
fn everything_can_be_below_a_path() {
    let site = Site::new();
    let served = site.serve(&["--base-path", "/app"]);
    let location = |path| {
        let (status, answer) = served.get(path, "");
        let to = answer.lines().find_map(|line| line.strip_prefix("location: ")).map(str::to_owned);
        (status, to)
    };
    assert!(served.get("/app/", "").1.ends_with("the page"));
    assert_eq!(location("/app"), (308, Some("app/".to_owned())));
    assert_eq!(location("/app/sub"), (307, Some("/app/sub/".to_owned())));
    assert_eq!(served.get("/app/_dotwit/index.js", "").0, 200);
    assert_eq!(served.get("/app/_dotwit/circuit", "").0, 426);
    assert_eq!(served.get("/", "").0, 404);
}

#[test]
fn a_page_of_another_site_is_refused_and_the_log_says_how_to_allow_it() {
    let site = Site::new();
    let served = site.serve(&[]);
    let upgrade = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: dotwit.v1\r\n";
    let (status, _) = served.get("/_dotwit/circuit", &format!("{upgrade}origin: https://evil.example\r\n"));
    assert_eq!(status, 403);
    served.logs("`--origin https://evil.example` allows it");
}

#[tokio::test]
async fn a_page_without_a_token_of_the_file_gets_no_circuit() {
    let site = Site::new();
    let tokens = site.write("tokens", "secret of Ada\n");
    let served = site.serve(&["--token-file", &tokens]);
    for json in ["{\"client\":\"test\"}", "{\"client\":\"test\",\"token\":\"guess\"}"] {
        let (_, (kind, refused)) = served.hello(json).await;
        assert_eq!((kind, refused["reason"].as_str()), (68, Some("token")), "{refused}");
    }
    let (_socket, (kind, _)) = served.hello("{\"client\":\"test\",\"token\":\"secret of Ada\"}").await;
    assert_eq!(kind, 65);
}

#[cfg(unix)]
#[tokio::test]
async fn asked_to_stop_it_lets_its_circuits_go_and_ends_well() {
    let site = Site::new();
    let mut served = site.serve(&["--drain-time", "4"]);
    let (mut socket, (kind, welcome)) = served.hello("{\"client\":\"test\"}").await;
    assert_eq!(kind, 65, "{welcome}");
    served.signal("-TERM");
    let (kind, goodbye) = socket.control().await;
    assert_eq!((kind, goodbye["then"].as_str()), (71, Some("fresh")), "{goodbye}");
    let status = tokio::task::spawn_blocking(move || served.child.wait().unwrap()).await.unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_guest_that_is_built_anew_is_taken_up() {
    let site = Site::new();
    let served = site.serve(&["--watch"]);
    let (mut socket, (_, welcome)) = served.hello("{\"client\":\"test\"}").await;
    assert_eq!(welcome["assemblies"][0]["name"], "Hello", "{welcome}");
    // One that is not a guest changes nothing.
    site.write("guest.wasm", "not a guest");
    served.logs("the former guest stays");
    std::fs::copy(guest("test_guest"), site.path("guest.wasm")).unwrap();
    assert_eq!(socket.control().await.0, 72);
    let (_socket, (_, welcome)) = served.hello("{\"client\":\"test\"}").await;
    assert_eq!(welcome["assemblies"][0]["name"], "TestGuest", "{welcome}");
}

#[test]
fn connections_are_encrypted_with_the_certificate_of_a_file() {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    let site = Site::new();
    let tls = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let certificate = tls.join("certificate.pem").into_os_string().into_string().unwrap();
    let key = tls.join("key.pem").into_os_string().into_string().unwrap();
    let served = site.serve(&["--tls-cert", &certificate, "--tls-key", &key]);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&certificate).unwrap()).unwrap();
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = rustls::ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut socket = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
    let mut stream = rustls::Stream::new(&mut client, &mut socket);
    let upgrade = "GET /_dotwit/circuit HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                   sec-websocket-protocol: dotwit.v1\r\norigin: https://localhost\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 101");
    assert_eq!(client.alpn_protocol(), Some(&b"http/1.1"[..]));

    let (code, _, err) = site.run(&["--root", &site.path("www"), "--tls-cert", &key, "--tls-key", &key]);
    assert!(code == Some(1) && err.contains("key.pem"), "{err}");
}
