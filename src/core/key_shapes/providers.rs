//! The providers, their variables, and how far their keys' shapes are fixed.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::ShapeVerdict::{Fits, NoKnownShape, NotAProviderVariable, OtherProvider, Unclean};
use super::{KEY_SHAPES, KeyShape, OWN_KEYS, ShapeVerdict, Uncleanness, recognise, shapes_of};

/// Who issues keys, and what their variables are called.
#[derive(Debug)]
pub struct Provider {
    /// The name that shapes and `rotate` use.
    pub id: &'static str,
    /// The variables in which programs look for such a key, in capital letters.
    pub variables: &'static [&'static str],
    /// What a key looks like, in words; `None` where the shape is not fixed and nothing may be called malformed.
    pub expected: Option<&'static str>,
    /// Beginnings that announce a key of this provider though its exact form is new, each with the least length.
    families: &'static [(&'static str, usize)],
    /// Beginnings whose exact form is known: what begins so and does not fit is damaged.
    exact: &'static [&'static str],
}

/// Beginnings that belong to one provider alone, so that a damaged key is still known for what it is.
const TELLING_PREFIXES: &[&str] = &[
    "sk-ant-",
    "sk-proj-",
    "sk-svcacct-",
    "sk-or-v1-",
    "AIza",
    "gsk_",
    "xai-",
    "tgp_v1_",
    "pplx-",
    "csk-",
    "nvapi-",
    "hf_",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "npm_",
    "tvly-",
    "tskey-",
    "sk_live_",
    "rk_live_",
    "vck_",
    "cfut_",
    "cfat_",
    "claw_",
];

/// Starts of values that only point to a secret, or hold it encrypted.
const REFERENCES: &[&str] = &[
    "$",
    "op://",
    "vault:",
    "encrypted:",
    "ENC[",
    "secretKeyRef",
    "file:",
    "env:",
    "ref+",
    "bws:",
    "keyring:",
    "projects/",
    "arn:aws:secretsmanager:",
    "%",
];

/// Every provider whose variables are known.
///
/// The first rows are those `rotate` can rotate; see there for their probes.
pub const PROVIDERS: &[Provider] = &[
    fixed(
        "anthropic",
        &[
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_ADMIN_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "ANTHROPIC_OAUTH_TOKEN",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_API_KEY",
        ],
        "sk-ant-api03- and 95 characters",
        &[("sk-ant-", 60)],
        &[
            "sk-ant-api03-",
            "sk-ant-admin01-",
            "sk-ant-oat01-",
            "sk-ant-ort01-",
        ],
    ),
    fixed(
        "openai",
        &["OPENAI_API_KEY", "OPENAI_ADMIN_KEY"],
        "sk-proj- (or sk-svcacct-, sk-admin-) and some 150 characters",
        &[("sk-", 40), ("sess-", 40)],
        &["sk-or-", "sk-ant-"],
    ),
    fixed(
        "openrouter",
        &["OPENROUTER_API_KEY"],
        "sk-or-v1- and 64 hexadecimal digits",
        &[("sk-or-", 40)],
        &["sk-or-v1-"],
    ),
    fixed(
        "gemini",
        &[
            "GEMINI_API_KEY",
            "GOOGLE_API_KEY",
            "GOOGLE_GENERATIVE_AI_API_KEY",
        ],
        "AIza and 35 characters, or AQ. and 50",
        &[("AQ.", 40)],
        &["AIza"],
    ),
    fixed(
        "groq",
        &["GROQ_API_KEY"],
        "gsk_ and 52 letters and digits",
        &[("gsk_", 44)],
        &[],
    ),
    fixed(
        "xai",
        &["XAI_API_KEY"],
        "xai- and 80 characters",
        &[("xai-", 50)],
        &[],
    ),
    open("mistral", &["MISTRAL_API_KEY"]),
    open("deepseek", &["DEEPSEEK_API_KEY"]),
    open("together", &["TOGETHER_API_KEY", "TOGETHER_AI_API_KEY"]),
    fixed(
        "perplexity",
        &["PERPLEXITY_API_KEY", "PPLX_API_KEY"],
        "pplx- and 48 letters and digits",
        &[("pplx-", 40)],
        &[],
    ),
    open("cohere", &["COHERE_API_KEY", "CO_API_KEY"]),
    fixed(
        "huggingface",
        &[
            "HF_TOKEN",
            "HUGGINGFACE_TOKEN",
            "HUGGINGFACE_API_KEY",
            "HUGGING_FACE_HUB_TOKEN",
            "HUGGINGFACE_HUB_TOKEN",
        ],
        "hf_ and 34 letters",
        &[("hf_", 34), ("api_org_", 34)],
        &[],
    ),
    fixed(
        "telegram",
        &["TELEGRAM_BOT_TOKEN", "TELEGRAM_TOKEN"],
        "the bot's number, a colon and 35 characters",
        &[],
        &[],
    ),
    fixed(
        "discord",
        &["DISCORD_BOT_TOKEN", "DISCORD_TOKEN"],
        "three parts with dots, the first one the bot's number in base64",
        &[],
        &[],
    ),
    fixed(
        "slack",
        &[
            "SLACK_BOT_TOKEN",
            "SLACK_APP_TOKEN",
            "SLACK_USER_TOKEN",
            "SLACK_TOKEN",
            "SLACK_WEBHOOK_URL",
        ],
        "xoxb-, xoxp- or xapp- and what follows, or a hooks.slack.com address",
        &[
            ("xox", 30),
            ("xapp-", 60),
            ("xwfp-", 30),
            ("https://hooks.slack.com/", 50),
        ],
        &[],
    ),
    fixed(
        "github",
        &[
            "GITHUB_TOKEN",
            "COPILOT_GITHUB_TOKEN",
            "GH_TOKEN",
            "GITHUB_PAT",
        ],
        "ghp_ and 36 letters and digits that end in their checksum, or github_pat_ and 82",
        &[],
        &["ghp_", "gho_", "ghu_", "ghr_"],
    ),
    open(
        "cloudflare",
        &[
            "CLOUDFLARE_API_TOKEN",
            "CLOUDFLARE_API_KEY",
            "CLOUDFLARE_TUNNEL_TOKEN",
            "CF_API_TOKEN",
            "TUNNEL_TOKEN",
            "CF_ACCESS_CLIENT_SECRET",
            "CLOUDFLARE_ORIGIN_CA_KEY",
        ],
    ),
    open(
        "elevenlabs",
        &["ELEVENLABS_API_KEY", "ELEVEN_API_KEY", "XI_API_KEY"],
    ),
    fixed(
        "cerebras",
        &["CEREBRAS_API_KEY"],
        "csk- and 48 letters and digits",
        &[("csk-", 40)],
        &[],
    ),
    fixed(
        "nvidia",
        &["NVIDIA_API_KEY"],
        "nvapi- and 64 characters",
        &[("nvapi-", 50)],
        &[],
    ),
    open("fireworks", &["FIREWORKS_API_KEY"]),
    fixed(
        "replicate",
        &["REPLICATE_API_TOKEN", "REPLICATE_API_KEY"],
        "r8_ and 37 letters and digits",
        &[("r8_", 38)],
        &[],
    ),
    open("minimax", &["MINIMAX_API_KEY"]),
    open("voyage", &["VOYAGE_API_KEY"]),
    open("vercel", &["AI_GATEWAY_API_KEY"]),
    open("brave", &["BRAVE_API_KEY", "BRAVE_SEARCH_API_KEY"]),
    fixed(
        "tavily",
        &["TAVILY_API_KEY"],
        "tvly- and 20 to 64 characters",
        &[("tvly-", 25)],
        &[],
    ),
    fixed(
        "firecrawl",
        &["FIRECRAWL_API_KEY"],
        "fc- and 32 hexadecimal digits",
        &[("fc-", 30)],
        &[],
    ),
    fixed(
        "gitlab",
        &["GITLAB_TOKEN"],
        "glpat- and 20 characters or more",
        &[("gl", 20)],
        &[],
    ),
    open("npm", &["NPM_TOKEN", "NODE_AUTH_TOKEN"]),
    open(
        "aws",
        &[
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_BEARER_TOKEN_BEDROCK",
            "AWS_SESSION_TOKEN",
        ],
    ),
    fixed(
        "tailscale",
        &[
            "TS_AUTHKEY",
            "TS_AUTH_KEY",
            "TAILSCALE_AUTHKEY",
            "TAILSCALE_AUTH_KEY",
            "TAILSCALE_API_KEY",
            "TS_API_KEY",
            "TS_CLIENT_SECRET",
            "TS_OAUTH_SECRET",
            "TAILSCALE_OAUTH_CLIENT_SECRET",
        ],
        "tskey-auth- (or -client-, -api-), an id and the secret",
        &[("tskey-", 30)],
        &[],
    ),
    fixed(
        "stripe",
        &["STRIPE_SECRET_KEY", "STRIPE_API_KEY"],
        "sk_live_ or rk_live_ and 24 letters and digits or more",
        &[("sk_", 24), ("rk_", 24)],
        &[],
    ),
    open(
        "qwen",
        &["QWEN_API_KEY", "DASHSCOPE_API_KEY", "MODELSTUDIO_API_KEY"],
    ),
    open("moonshot", &["MOONSHOT_API_KEY", "KIMI_API_KEY"]),
    open("zai", &["ZAI_API_KEY", "Z_AI_API_KEY", "ZHIPU_API_KEY"]),
    open("exa", &["EXA_API_KEY"]),
    open("deepgram", &["DEEPGRAM_API_KEY"]),
    open(
        OWN_KEYS,
        &[
            "OPENCLAW_GATEWAY_TOKEN",
            "OPENCLAW_GATEWAY_PASSWORD",
            "WEB_API_KEY",
        ],
    ),
];

const fn fixed(
    id: &'static str,
    variables: &'static [&'static str],
    expected: &'static str,
    families: &'static [(&'static str, usize)],
    exact: &'static [&'static str],
) -> Provider {
    Provider {
        id,
        variables,
        expected: Some(expected),
        families,
        exact,
    }
}

const fn open(id: &'static str, variables: &'static [&'static str]) -> Provider {
    Provider {
        id,
        variables,
        expected: None,
        families: &[],
        exact: &[],
    }
}

/// The provider of a variable, in any case of its letters.
pub(super) fn by_variable(name: &str) -> Option<&'static Provider> {
    static BY_VARIABLE: OnceLock<HashMap<&str, &Provider>> = OnceLock::new();
    let by_variable = BY_VARIABLE.get_or_init(|| {
        let names_of = |provider: &'static Provider| {
            let variables = provider.variables.iter();
            variables.map(move |variable| (*variable, provider))
        };
        // Of two providers with one variable the first in the table has it.
        PROVIDERS.iter().rev().flat_map(names_of).collect()
    });
    by_variable.get(name.to_ascii_uppercase().as_str()).copied()
}

pub(super) fn judge(variable: &str, value: &[u8]) -> ShapeVerdict {
    let Some(provider) = by_variable(variable) else {
        return NotAProviderVariable;
    };
    // Nothing to judge: an empty value is missing, a reference points elsewhere.
    if value.is_empty() || is_reference(value) {
        return Fits;
    }
    if let Some(uncleanness) = uncleanness(value) {
        // People may choose a gateway password with blanks and quotes in it.
        if provider.id != OWN_KEYS || is_invisible(uncleanness) {
            return Unclean(uncleanness);
        }
    }
    if shapes_of(provider.id).any(|shape| shape.matches(value)) {
        return Fits;
    }
    if let Some(other) = other_provider(provider, value) {
        return OtherProvider(other);
    }
    match provider.expected {
        Some(expected) if !is_of_family(provider, value) => NoKnownShape { expected },
        _ => Fits,
    }
}

fn is_reference(value: &[u8]) -> bool {
    REFERENCES
        .iter()
        .any(|start| value.starts_with(start.as_bytes()))
}

fn is_invisible(uncleanness: Uncleanness) -> bool {
    matches!(
        uncleanness,
        Uncleanness::ZeroWidth | Uncleanness::Control | Uncleanness::NotUtf8
    )
}

/// The worst character of a value that should be a key.
fn uncleanness(value: &[u8]) -> Option<Uncleanness> {
    let Ok(text) = std::str::from_utf8(value) else {
        return Some(Uncleanness::NotUtf8);
    };
    text.chars().find_map(|character| match character {
        '"' | '\'' | '`' | '´' | '«' | '»' | '‹' | '›' => Some(Uncleanness::Quotes),
        '\u{2018}'..='\u{201F}' | '\u{300C}'..='\u{300F}' | '\u{FF02}' | '\u{FF07}' => {
            Some(Uncleanness::Quotes)
        }
        '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2069}'
        | '\u{FEFF}'
        | '\u{00AD}'
        | '\u{180E}' => Some(Uncleanness::ZeroWidth),
        ' ' => Some(Uncleanness::Blanks),
        _ if character.is_control() => Some(Uncleanness::Control),
        _ if character.is_whitespace() => Some(Uncleanness::Blanks),
        _ => None,
    })
}

/// A shape that says clearly whose key this is: the whole of it, or a telling beginning.
fn other_provider(provider: &Provider, value: &[u8]) -> Option<&'static KeyShape> {
    let foreign = |shape: &&'static KeyShape| {
        shape.provider != provider.id
            && shape.provider != "generic"
            && shape.severity != super::SeverityHint::Low
    };
    recognise(value).filter(foreign).or_else(|| {
        let telling = TELLING_PREFIXES
            .iter()
            .find(|prefix| value.starts_with(prefix.as_bytes()))?;
        let owners = || {
            KEY_SHAPES.iter().filter(|shape| {
                shape
                    .prefixes
                    .iter()
                    .any(|prefix| prefix.starts_with(telling))
            })
        };
        let is_own = owners().any(|shape| shape.provider == provider.id);
        (!is_own && value.len() >= 16)
            .then(|| owners().find(foreign))
            .flatten()
    })
}

fn is_of_family(provider: &Provider, value: &[u8]) -> bool {
    let is_exact = provider
        .exact
        .iter()
        .any(|prefix| value.starts_with(prefix.as_bytes()));
    let legacy_github =
        provider.id == "github" && value.len() == 40 && value.iter().all(u8::is_ascii_hexdigit);
    legacy_github
        || !is_exact
            && provider.families.iter().any(|(prefix, least)| {
                value.len() >= *least && value.starts_with(prefix.as_bytes())
            })
}
