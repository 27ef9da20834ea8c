//! The web server, asked by hand: what browsers and clients with manners would not ask. `tests/browser` has the rest.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use dotwit_host::server::Server;

/// Serves `root` while `ask` runs, which makes requests: a path and headers, for a status and a body.
fn serving(root: &Path, ask: impl FnOnce(&dyn Fn(&str, &str) -> (u16, String))) {
    serving_at("127.0.0.1:0", root, ask);
}

/// As [`serving`], at another address.
fn serving_at(address: &str, root: &Path, ask: impl FnOnce(&dyn Fn(&str, &str) -> (u16, String))) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::bind(root, address.parse().unwrap())).unwrap();
    let address = server.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = runtime.spawn(server.run(async move {
        let _ = stopped.await;
    }));
    ask(&|path, headers| {
        let mut stream = TcpStream::connect(address).unwrap();
        let host = if headers.contains("host:") { "" } else { "host: localhost\r\n" };
        write!(stream, "GET {path} HTTP/1.1\r\n{host}connection: close\r\n{headers}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    });
    stop.send(()).unwrap();
    runtime.block_on(running).unwrap().unwrap();
}

#[test]
fn files_below_the_root_are_served() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("sub")).unwrap();
    std::fs::write(root.path().join("sub/index.html"), "the index").unwrap();
    serving(root.path(), |get| {
        assert_eq!(get("/sub/", ""), (200, "the index".to_owned()));
        assert_eq!(get("/sub/index.html", "range: bytes=4-\r\n"), (206, "index".to_owned()));
        assert_eq!(get("/nothing", ""), (404, "There is no file '/nothing'.\n".to_owned()));
        assert_eq!(get(&format!("/{}", "a".repeat(300)), "").0, 404);
    });
}

#[cfg(unix)]
#[test]
fn nothing_outside_of_the_root_is_served_whatever_links_to_it() {
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.html"), "secret").unwrap();
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("sub")).unwrap();
    symlink(outside.path().join("secret.html"), root.path().join("sub/index.html")).unwrap();
    symlink(outside.path().join("secret.html"), root.path().join("link.html")).unwrap();
    symlink(outside.path(), root.path().join("folder")).unwrap();
    let name = outside.path().file_name().unwrap().to_str().unwrap();
    serving(root.path(), |get| {
        for path in [
            "/sub/",
            "/sub/index.html",
            "/link.html",
            "/folder/secret.html",
            &format!("/../{name}/secret.html"),
            &format!("/%2e%2e/{name}/secret.html"),
            &format!("/..%2f{name}%2fsecret.html"),
        ] {
            let (status, body) = get(path, "");
            assert_ne!(status, 200, "{path}");
            assert!(!body.contains("secret\n") && body != "secret", "{path}");
        }
    });
}

#[test]
fn the_adapter_is_served_and_revalidated() {
    let root = tempfile::tempdir().unwrap();
    serving(root.path(), |get| {
        let (status, body) = get("/_dotwit/index.js", "");
        assert_eq!(status, 200);
        assert!(body.contains("export"));
        assert_eq!(get("/_dotwit/index.js", "if-none-match: *\r\n").0, 304);
        assert_eq!(get("/_dotwit/index.js", "if-none-match: \"other\"\r\n").0, 200);
        assert_eq!(get("/_dotwit/nothing.js", "").0, 404);
        assert_eq!(get("/_dotwit/../Cargo.toml", "").0, 404);
    });
}

#[test]
fn requests_for_other_hosts_are_refused_at_a_loopback_address() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("page.html"), "the page").unwrap();
    serving(root.path(), |get| {
        for host in ["localhost", "LocalHost:1234", "127.0.0.1:8080", "[::1]:8080", "app.localhost"] {
            assert_eq!(get("/page.html", &format!("host: {host}\r\n")), (200, "the page".to_owned()), "{host}");
        }
        for host in ["example.com", "example.com:8080", "localhost.example.com", "10.0.0.1", "0.0.0.0"] {
            for path in ["/page.html", "/_dotwit/index.js", "/nothing"] {
                let (status, body) = get(path, &format!("host: {host}\r\n"));
                assert_eq!(status, 421, "{host}");
                assert!(body.contains(&format!("'{host}'")), "{body}");
            }
        }
        assert_eq!(get("http://example.com/page.html", "").0, 421);
        assert_eq!(get("/page.html", "host: localhost\r\nhost: example.com\r\n").0, 421);
    });
}

#[test]
fn a_loopback_address_is_one_in_ipv6_too() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("page.html"), "the page").unwrap();
    let mapped = "[::ffff:127.0.0.1]:0";
    if std::net::TcpListener::bind(mapped).is_err() {
        // This machine has no IPv6.
        return;
    }
    serving_at(mapped, root.path(), |get| {
        assert_eq!(get("/page.html", "host: localhost\r\n").0, 200);
        assert_eq!(get("/page.html", "host: example.com\r\n").0, 421);
    });
}
