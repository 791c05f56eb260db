//! Endpoints as they are declared, and what every one of them gets by its declaration.
//!
//! The order of judgement is part of the contract: 406, 401, CSRF 403, 405; then the handler's 404 and 403, and at last
//! 413, 415 and 400 for the body.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::app::App;
use super::cookie::{SESSION_COOKIE, clear_cookie};
use super::credential::{Credential, Via};
use super::links::Host;
use super::log::Origin;
use super::operation::Operation;
use super::problem::Problem;
use super::{body, csrf, negotiation};
use crate::store::{Meter, Spent};

/// Who may call an endpoint at all. What a caller may do with a thing is the handler's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody. Unsafe requests that come with a session cookie need the CSRF token.
    Everybody,
    /// Everybody, and no CSRF token is needed: these neither set a cookie nor heed one.
    EverybodyWithoutCsrf,
    /// Everybody, but unsafe requests need the CSRF token, signed in or not: these set the session cookie.
    EverybodyWithCsrf,
    /// Whoever has a session. Unsafe requests that come with its cookie need the CSRF token.
    SignedIn,
}

/// What the answers of an endpoint are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Renders {
    Json,
    Pages,
}

/// One address: who may call it, and what it does by which method.
#[derive(Clone)]
pub struct Endpoint {
    name: &'static str,
    access: Access,
    renders: Renders,
    operations: Vec<(Method, Operation)>,
    handlers: MethodRouter<App>,
}

impl Endpoint {
    /// An endpoint that answers in JSON; `name` is what people see it called.
    pub fn new(name: &'static str, access: Access) -> Self {
        Self { name, access, renders: Renders::Json, operations: Vec::new(), handlers: MethodRouter::new() }
    }

    /// An endpoint that answers with HTML pages.
    pub fn page(name: &'static str, access: Access) -> Self {
        Self { renders: Renders::Pages, ..Self::new(name, access) }
    }

    pub fn get<H: Handler<T, App>, T: 'static>(self, handler: H, operation: Operation) -> Self {
        self.on(Method::GET, MethodFilter::GET, handler, operation)
    }

    pub fn post<H: Handler<T, App>, T: 'static>(self, handler: H, operation: Operation) -> Self {
        self.on(Method::POST, MethodFilter::POST, handler, operation)
    }

    pub fn put<H: Handler<T, App>, T: 'static>(self, handler: H, operation: Operation) -> Self {
        self.on(Method::PUT, MethodFilter::PUT, handler, operation)
    }

    pub fn patch<H: Handler<T, App>, T: 'static>(self, handler: H, operation: Operation) -> Self {
        self.on(Method::PATCH, MethodFilter::PATCH, handler, operation)
    }

    pub fn delete<H: Handler<T, App>, T: 'static>(self, handler: H, operation: Operation) -> Self {
        self.on(Method::DELETE, MethodFilter::DELETE, handler, operation)
    }

    fn on<H: Handler<T, App>, T: 'static>(
        mut self,
        method: Method,
        filter: MethodFilter,
        handler: H,
        operation: Operation,
    ) -> Self {
        self.operations.push((method, operation));
        self.handlers = self.handlers.on(filter, handler);
        self
    }

    fn methods(&self) -> impl Iterator<Item = &Method> {
        self.operations.iter().map(|(method, _)| method)
    }

    /// `GET, POST, HEAD, OPTIONS`
    fn allow(&self) -> HeaderValue {
        let head = self.methods().any(|method| *method == Method::GET).then_some(&Method::HEAD);
        let methods: Vec<_> = self.methods().chain(head).chain([&Method::OPTIONS]).map(Method::as_str).collect();
        HeaderValue::from_str(&methods.join(", ")).expect("methods are letters")
    }

    /// What `OPTIONS` tells: the endpoint's name, what it takes and gives, and the fields of each body that it takes.
    fn description(&self) -> Value {
        let renders = match self.renders {
            Renders::Json => "application/json",
            Renders::Pages => "text/html",
        };
        let summaries: Vec<String> =
            self.operations.iter().map(|(_, operation)| format!("{}.", operation.summary)).collect();
        let mut told = json!({
            "name": self.name,
            "description": summaries.join(" "),
            "renders": [renders],
            "parses": ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"],
        });
        let actions = self.operations.iter().filter_map(|(method, operation)| {
            let fields = operation.fields?.iter().map(|field| (field.name.to_owned(), field.metadata()));
            Some((method.to_string(), Value::Object(fields.collect())))
        });
        let actions: Map<String, Value> = actions.collect();
        if !actions.is_empty() {
            told["actions"] = Value::Object(actions);
        }
        told
    }
}

/// The endpoints of one function.
#[derive(Clone, Default)]
pub struct Routes(Vec<(&'static str, Endpoint)>);

impl Routes {
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares the endpoint at a path without trailing slash, parameters in braces; it answers with and without one.
    pub fn at(mut self, path: &'static str, endpoint: Endpoint) -> Self {
        self.0.push((path, endpoint));
        self
    }

    /// Every address with its methods and who may call it.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Vec<Method>, Access)> {
        self.0.iter().map(|(path, endpoint)| (*path, endpoint.methods().cloned().collect(), endpoint.access))
    }

    /// The same with what each method does.
    #[cfg(feature = "openapi")]
    pub(super) fn described(&self) -> impl Iterator<Item = (&'static str, Access, &[(Method, Operation)])> {
        self.0.iter().map(|(path, endpoint)| (*path, endpoint.access, &endpoint.operations[..]))
    }

    pub(super) fn into_router(self, app: &App) -> Router<App> {
        self.0.into_iter().fold(Router::new(), |router, (path, endpoint)| {
            let rules = Rules {
                app: app.clone(),
                path,
                allow: endpoint.allow(),
                description: Arc::new(endpoint.description()),
                access: endpoint.access,
                renders: endpoint.renders,
            };
            // The fallback makes the rules apply to methods that are not there, too.
            let handlers = endpoint
                .handlers
                .fallback(async || StatusCode::METHOD_NOT_ALLOWED)
                .layer(from_fn_with_state(rules, judge));
            match path {
                "/" => router.route(path, handlers),
                _ => router.route(&format!("{path}/"), handlers.clone()).route(path, handlers),
            }
        })
    }
}

/// What an endpoint's declaration says, at hand for every request.
#[derive(Clone)]
struct Rules {
    app: App,
    path: &'static str,
    description: Arc<Value>,
    access: Access,
    renders: Renders,
    allow: HeaderValue,
}

/// Judges a request by the endpoint's declaration before the handler sees it.
async fn judge(State(rules): State<Rules>, request: Request, next: Next) -> Response {
    Origin::found(rules.path);
    let credential = Credential::of(request.headers(), &rules.app.keyring, rules.app.now());
    let host = Host::of(request.headers());
    let describes = request.method() == Method::OPTIONS;
    let mut response = match rules.admit(credential, request).await {
        Ok(_) if describes => Json(&*rules.description).into_response(),
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if rules.access == Access::SignedIn
        && (describes || refused_without_reading(&response))
        && let Some(caller) = credential.caller()
        && let Err(error) = rules.app.store.alive(&caller).await
    {
        response = Problem::from(error).into_response();
    }
    response.headers_mut().insert(header::ALLOW, rules.allow.clone());
    if credential.via() == Some(Via::Cookie) && is_dead(credential, &response) && !sets_session(&response) {
        response.headers_mut().append(header::SET_COOKIE, clear_cookie(SESSION_COOKIE, &host));
    }
    response
}

fn is_dead(credential: Credential, response: &Response) -> bool {
    matches!(credential, Credential::Invalid(_)) || response.status() == StatusCode::UNAUTHORIZED
}

fn sets_session(response: &Response) -> bool {
    let mut cookies = response.headers().get_all(header::SET_COOKIE).iter();
    cookies.any(|cookie| cookie.as_bytes().starts_with(SESSION_COOKIE.as_bytes()))
}

/// Whether a lesser refusal was found before anything was read: whether the session is alive is to be judged first, and
/// only then costs a read of its own.
fn refused_without_reading(response: &Response) -> bool {
    let graver = matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::NOT_ACCEPTABLE);
    response.status().is_client_error() && !graver && Meter::spent_here() == Spent::default()
}

impl Rules {
    async fn admit(&self, credential: Credential, mut request: Request) -> Result<Request, Problem> {
        self.negotiate(&request)?;
        match credential {
            Credential::Genuine(caller, _) => drop(request.extensions_mut().insert(caller)),
            Credential::Invalid(_) if self.access == Access::SignedIn => return Err(Problem::session_ended()),
            Credential::None if self.access == Access::SignedIn => return Err(Problem::not_authenticated()),
            Credential::Invalid(_) | Credential::None => {}
        }
        if !request.method().is_safe() && self.needs_csrf_token(credential) {
            request = check_csrf(request).await?;
        }
        let method = request.method();
        let allowed =
            self.allow.to_str().is_ok_and(|allow| allow.split(", ").any(|allowed| allowed == method.as_str()));
        if allowed { Ok(request) } else { Err(Problem::method_not_allowed(method)) }
    }

    fn negotiate(&self, request: &Request) -> Result<(), Problem> {
        match format_asked_for(request.uri()).as_deref() {
            Some("json") => Ok(()),
            Some(_) => Err(Problem::nothing_here()),
            None if self.renders == Renders::Pages || negotiation::accepts_json(request.headers()) => Ok(()),
            None => Err(Problem::not_acceptable()),
        }
    }

    fn needs_csrf_token(&self, credential: Credential) -> bool {
        match self.access {
            Access::EverybodyWithoutCsrf => false,
            Access::EverybodyWithCsrf => true,
            Access::Everybody | Access::SignedIn => {
                credential.caller().is_some() && credential.via() == Some(Via::Cookie)
            }
        }
    }
}

fn format_asked_for(uri: &Uri) -> Option<String> {
    let query = uri.query()?;
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "format").map(|(_, value)| value.into_owned())
}

/// The token is looked for in the header, else in a form's field.
async fn check_csrf(request: Request) -> Result<Request, Problem> {
    let (request, field) = match csrf::needs_field(request.headers()) {
        true => body::peek(request, csrf::TOKEN_FIELD).await,
        false => (request, None),
    };
    csrf::check(request.headers(), field.as_deref())?;
    Ok(request)
}
