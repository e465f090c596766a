//! The harmless questions of the second wave: protected resources, foreign origins, exposed files.

use futures_util::future::join_all;
use hyper::header::{HeaderValue, ORIGIN};
use url::{Host, Url};

use super::endpoint::Endpoint;
use super::evidence::{Asked, CorsAnswer, ExposedAnswer, ForeignOrigin, ProtectedAnswer, Silence};
use super::exposure::{exposed_files, signature};
use super::gateway::Gateway;
use super::http::{Asker, Question};
use super::protected::{Protected, resources};

/// More protected paths than these are not asked for their CORS answers.
const MAX_CORS_PATHS: usize = 3;
/// More entries of `CORS_ORIGINS` than these are not asked for.
const MAX_DECLARED: usize = 3;
/// More protected paths than these are not asked at all.
const MAX_PROTECTED: usize = 6;

/// What to ask whom.
pub(super) struct Questions<'a> {
    endpoint: &'a Endpoint,
    asker: &'a Asker,
    protected: Vec<Protected>,
}

impl<'a> Questions<'a> {
    /// About the resources that are known now.
    pub(super) fn new(endpoint: &'a Endpoint, asker: &'a Asker, gateway: Option<&Gateway>) -> Self {
        Self {
            endpoint,
            asker,
            protected: resources(endpoint, gateway),
        }
    }

    /// Protected resources without a key, and beside each a path that cannot exist.
    pub(super) async fn ask_protected(&self) -> Vec<ProtectedAnswer> {
        if !self.endpoint.wants_protected() {
            return Vec::new();
        }
        let asked = self.protected.iter().take(MAX_PROTECTED);
        let mut answers = join_all(asked.map(|protected| async move {
            let canary = protected.at(&canary_of(&protected.path, &self.endpoint.canary()));
            let question = protected.at(&protected.path);
            let (answer, canary) = tokio::join!(self.asker.ask(&question), self.asker.ask(&canary));
            protected.answered(answer, canary)
        }))
        .await;
        let too_many = || Err(Silence::NotAsked("more than 6 protected paths".to_owned()));
        let rest = self.protected.iter().skip(MAX_PROTECTED);
        answers.extend(rest.map(|protected| protected.answered(too_many(), too_many())));
        answers
    }

    /// The front page and the protected resources with foreign origins.
    pub(super) async fn ask_cors(&self) -> Vec<CorsAnswer> {
        if !self.endpoint.wants_cors() {
            return Vec::new();
        }
        let mut paths = vec![path_and_query(&self.endpoint.url)];
        let always_there = self.protected.iter().filter(|one| !one.may_be_off);
        for protected in always_there.take(MAX_CORS_PATHS) {
            if !paths.contains(&protected.path) {
                paths.push(protected.path.clone());
            }
        }
        let origins = foreign_origins(&self.endpoint.host, &self.endpoint.canary());
        // What is worth a word only is asked of the two first paths only.
        let all = paths.iter().enumerate().flat_map(|(place, path)| {
            origins
                .iter()
                .filter(move |(kind, _)| place < 2 || kind.fails())
                .map(move |(kind, origin)| (path, *kind, origin))
        });
        join_all(all.map(|(path, kind, origin)| async move {
            let answer = match HeaderValue::from_str(origin) {
                Ok(value) => {
                    let question = Question::get(path).with(ORIGIN, value);
                    self.asker.ask(&question).await
                }
                Err(_) => Err(Silence::NotAsked(
                    "the origin is no header value".to_owned(),
                )),
            };
            CorsAnswer {
                path: path.clone(),
                kind,
                origin: origin.clone(),
                answer,
            }
        }))
        .await
    }

    /// The first entries of `CORS_ORIGINS`: one that is not allowed is worth a word.
    pub(super) async fn ask_declared_origins(&self) -> Vec<(String, Asked<bool>)> {
        if !self.endpoint.wants_cors() {
            return Vec::new();
        }
        let declared = self.endpoint.cors_origins.iter();
        let origins = declared.filter(|origin| origin.starts_with("https://"));
        let path = path_and_query(&self.endpoint.url);
        join_all(origins.take(MAX_DECLARED).map(|origin| async {
            let unusable = |_| Silence::NotAsked("the origin is no header value".to_owned());
            let allowed = async {
                let value = HeaderValue::from_str(origin).map_err(unusable)?;
                let question = Question::get(&path).with(ORIGIN, value);
                let exchange = self.asker.ask(&question).await?;
                let answer = exchange.header("access-control-allow-origin");
                Ok(answer
                    .is_some_and(|answer| answer.eq_ignore_ascii_case(origin) || answer == "*"))
            };
            (origin.clone(), allowed.await)
        }))
        .await
    }

    /// Files that no endpoint may serve. Only what they are is kept, never their content; a path
    /// that cannot exist is asked only where something was found.
    pub(super) async fn ask_exposed(&self) -> Vec<ExposedAnswer> {
        if !self.endpoint.wants_exposed() {
            return Vec::new();
        }
        let files = exposed_files(
            self.endpoint.audit_log_name.as_deref(),
            &self.endpoint.canary(),
        );
        let is_log_event = self.endpoint.is_log_event;
        join_all(files.into_iter().map(|file| async move {
            let mut answer = self.asker.ask(&Question::get(&file.path)).await;
            let found = answer
                .as_ref()
                .ok()
                .and_then(|exchange| signature(file.kind, exchange, is_log_event));
            let canary = match found {
                Some(_) => {
                    let canary = self.asker.ask(&Question::get(&file.canary)).await;
                    Some(canary.and_then(|exchange| match exchange.hidden() {
                        Some(why) => Err(Silence::NotHttp(why)),
                        None => Ok(signature(file.kind, &exchange, is_log_event).is_some()),
                    }))
                }
                None => None,
            };
            let length = answer.as_ref().map_or(0, |exchange| exchange.body.len());
            if let Ok(exchange) = &mut answer {
                zeroize::Zeroize::zeroize(&mut exchange.body);
            }
            ExposedAnswer {
                path: file.path,
                kind: file.kind,
                answer,
                length,
                found,
                canary,
            }
        }))
        .await
    }
}

pub(super) fn path_and_query(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// A path of the same shape that cannot exist: same folder, same ending.
fn canary_of(path: &str, word: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (stem, slash) = match path.strip_suffix('/') {
        Some(stem) => (stem, "/"),
        None => (path, ""),
    };
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let ending = name.rfind('.').map_or("", |dot| &name[dot..]);
    format!("{folder}/{word}{ending}{slash}")
}

/// The origin of a site that has nothing to do with the endpoint.
pub(super) fn foreign_origin(word: &str) -> String {
    format!("https://{word}.example")
}

fn foreign_origins(host: &Host, word: &str) -> Vec<(ForeignOrigin, String)> {
    let mut origins = vec![
        (ForeignOrigin::Random, foreign_origin(word)),
        (ForeignOrigin::Null, "null".to_owned()),
    ];
    if let Host::Domain(name) = host {
        origins.push((
            ForeignOrigin::Prefix,
            format!("https://{name}.{word}.example"),
        ));
        origins.push((ForeignOrigin::Suffix, format!("https://x{name}")));
        origins.push((ForeignOrigin::HttpTwin, format!("http://{name}")));
        if let Some((first, rest)) = name.split_once('.') {
            let origin = format!("https://{first}x{rest}");
            origins.push((ForeignOrigin::LetterForDot, origin));
        }
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_has_the_shape_of_its_path() {
        for (path, expected) in [
            ("/", "/w/"),
            ("/api", "/w"),
            ("/api/", "/w/"),
            ("/v1/models", "/v1/w"),
            ("/a/config.json?x=1", "/a/w.json"),
            ("/.env", "/w.env"),
        ] {
            assert_eq!(canary_of(path, "w"), expected, "{path}");
        }
    }

    #[test]
    fn an_address_has_no_foreign_neighbours() {
        let host = Host::Ipv4(std::net::Ipv4Addr::LOCALHOST);
        assert_eq!(foreign_origins(&host, "w").len(), 2);
        let host = Host::Domain("bot.example".to_owned());
        let origins = foreign_origins(&host, "w");
        assert_eq!(origins[2].1, "https://bot.example.w.example");
        assert_eq!(origins[3].1, "https://xbot.example");
        assert_eq!(origins[4].1, "http://bot.example");
        assert_eq!(origins[5].1, "https://botxexample");
    }
}
