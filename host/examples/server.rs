//! Circuits in an application of one's own: a login with a session cookie, and pages that have a guest here once they are logged in.
//!
//! ```sh
//! cargo run -p dotwit-host --example server --features server -- hello.wasm www
//! ```
//!
//! Then open <http://localhost:8080/login>. The name is anything, and the password is the one in `PASSWORD`: a real application has users.

use std::collections::HashMap;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::extract::{Form, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Router, serve};
use dotwit_host::server::{Auth, CircuitOptions, Circuits, Refusal, Subject, adapter};
use dotwit_host::{Config, Runtime};
use serde::Deserialize;
use tokio::net::TcpListener;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// The cookie of a session. `__Host-` would be better, and needs HTTPS.
const COOKIE: &str = "session";

/// The password of everybody.
const PASSWORD: &str = "open sesame";

/// How long a session lasts. Circuits end with it, unless their pages have resumed with a newer one.
const SESSION: Duration = Duration::from_secs(8 * 60 * 60);

/// A page may load what this application serves.
const POLICY: &str = "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'; \
                      frame-ancestors 'self'";

/// The sessions: who has logged in, and until when, by the secret in their cookie.
#[derive(Clone, Default)]
struct Sessions(Arc<Mutex<HashMap<String, (String, SystemTime)>>>);

impl Sessions {
    /// Begins a session and returns its secret.
    fn begin(&self, name: String) -> Result<String, getrandom::Error> {
        let mut secret = [0; 16];
        getrandom::fill(&mut secret)?;
        let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let now = SystemTime::now();
        let mut sessions = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        sessions.retain(|_, (_, until)| *until > now);
        sessions.insert(secret.clone(), (name, now + SESSION));
        Ok(secret)
    }

    /// Returns whose session a request belongs to, and until when.
    fn of(&self, headers: &HeaderMap) -> Option<(String, SystemTime)> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, secret) = pairs.find(|(name, _)| *name == COOKIE)?;
        let sessions = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        sessions.get(secret).filter(|(_, until)| *until > SystemTime::now()).cloned()
    }

    fn end(&self, headers: &HeaderMap) {
        if let Some((name, _)) = self.of(headers) {
            let mut sessions = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            sessions.retain(|_, (other, _)| *other != name);
        }
    }
}

impl Auth for Sessions {
    /// The browser sends the cookie with the WebSocket's request. A page of another site cannot make use of that, since its origin is
    /// refused before.
    async fn check(&self, request: &Parts, _token: Option<&str>) -> Result<Subject, Refusal> {
        let session = self.of(&request.headers);
        session
            .map(|(name, until)| Subject::new(name).expires(until))
            .ok_or_else(|| Refusal::new("You are not logged in."))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(guest), Some(root)) = (args.next(), args.next()) else {
        return Err("usage: server GUEST ROOT".into());
    };
    let sessions = Sessions::default();
    let runtime = Runtime::new(Config::new().max_sessions(1).max_circuits(1_000))?;
    let options = CircuitOptions::new().auth(sessions.clone()).max_circuits_per_subject(10);
    let circuits = Circuits::new(&runtime.load(guest)?, options)?;

    let app = Router::new()
        .route("/login", get(login_page).post(login))
        .route("/logout", post(logout))
        .with_state(sessions)
        // For `import { start } from '/_dotwit/index.js'` and then `start({ circuit: '/_dotwit/circuit' })`.
        .nest("/_dotwit", circuits.router())
        .nest("/_dotwit", adapter())
        .fallback_service(ServeDir::new(root))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        ));

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 8080)).await?;
    println!("Open http://localhost:{}/login", listener.local_addr()?.port());
    let draining = circuits.clone();
    serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move {
            // Without signals, the server runs until it is killed.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            draining.drain().await;
        })
        .await?;
    Ok(())
}

async fn login_page() -> Html<&'static str> {
    Html(
        "<!doctype html><title>Login</title><form method=post><label>Name <input name=name></label> \
         <label>Password <input name=password type=password></label> <button>Log in</button></form>",
    )
}

/// What the login form sends.
#[derive(Deserialize)]
struct Login {
    name: String,
    password: String,
}

async fn login(State(sessions): State<Sessions>, Form(login): Form<Login>) -> Response {
    if login.password != PASSWORD || login.name.is_empty() {
        return (StatusCode::FORBIDDEN, "The name or the password is wrong.\n").into_response();
    }
    let Ok(secret) = sessions.begin(login.name) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    // No script reads it, and no page of another site sends it along with a form.
    let cookie = format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}", SESSION.as_secs());
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

/// Ends all sessions of one user. Their circuits end at the latest when they are resumed.
async fn logout(State(sessions): State<Sessions>, headers: HeaderMap) -> Redirect {
    sessions.end(&headers);
    Redirect::to("/login")
}
