//! The keys that have no telling form: which names must stand beside them.
//!
//! Lists of words are one text each, with blanks between: a table of references would have to be
//! put right at every start of the program, also of those that search nothing.

/// A kind of key that only its variable, or its provider's name, makes known.
pub(super) struct NamedRule {
    /// The row of the key shapes it belongs to.
    pub(super) shape: &'static str,
    /// Its variables, in capitals and with underscores; prefixes and suffixes may be around them.
    pub(super) variables: &'static [&'static str],
    /// The provider as it is written beside keys, in small letters.
    pub(super) provider: &'static [&'static str],
}

impl NamedRule {
    /// Whether its keys have no shape, so that a name and some randomness are all there is.
    pub(super) fn is_free(&self) -> bool {
        self.shape.starts_with("openclaw-")
    }
}

const fn rule(
    shape: &'static str,
    variables: &'static [&'static str],
    provider: &'static [&'static str],
) -> NamedRule {
    NamedRule {
        shape,
        variables,
        provider,
    }
}

/// Of our own keys the name alone says little in a header or an option: `x-api-key`, `--token`. It counts
/// beside this word, or the header before a value that only a generator draws.
pub(super) const OURS: &str = "openclaw";

/// The rules, the more particular ones first.
pub(super) const NAMED_RULES: &[NamedRule] = &[
    rule(
        "openclaw-gateway-token",
        &["GATEWAY_TOKEN", "GATEWAY_AUTH_TOKEN"],
        &[],
    ),
    rule(
        "openclaw-gateway-password",
        &["GATEWAY_PASSWORD", "GATEWAY_AUTH_PASSWORD"],
        &[],
    ),
    rule("openclaw-web-api-key", &["WEB_API_KEY"], &[]),
    rule(
        "mistral-api-key",
        &["MISTRAL_API_KEY", "MISTRAL_KEY"],
        &["mistral"],
    ),
    rule(
        "cohere-api-key",
        &["COHERE_API_KEY", "CO_API_KEY"],
        &["cohere"],
    ),
    rule("deepseek-api-key", &["DEEPSEEK_API_KEY"], &["deepseek"]),
    rule(
        "qwen-api-key",
        &["QWEN_API_KEY", "DASHSCOPE_API_KEY", "MODELSTUDIO_API_KEY"],
        &["dashscope", "qwen"],
    ),
    rule(
        "moonshot-api-key",
        &["MOONSHOT_API_KEY", "KIMI_API_KEY"],
        &["moonshot", "kimi"],
    ),
    rule(
        "zai-api-key",
        &["ZAI_API_KEY", "Z_AI_API_KEY", "ZHIPU_API_KEY"],
        &["zhipu", "z.ai", "zai"],
    ),
    rule("exa-api-key", &["EXA_API_KEY"], &["exa"]),
    rule("deepgram-api-key", &["DEEPGRAM_API_KEY"], &["deepgram"]),
    rule("fireworks-api-key", &["FIREWORKS_API_KEY"], &["fireworks"]),
    rule("voyage-api-key", &["VOYAGE_API_KEY"], &["voyage"]),
    rule(
        "aws-secret-access-key",
        &[
            "AWS_SECRET_ACCESS_KEY",
            "SECRET_ACCESS_KEY",
            "AWS_SECRET_KEY",
            "AWS_SECRET",
        ],
        &[],
    ),
    rule(
        "cloudflare-access-client-secret",
        &["CF_ACCESS_CLIENT_SECRET", "ACCESS_CLIENT_SECRET"],
        &[],
    ),
    rule(
        "cloudflare-legacy-token",
        &[
            "CLOUDFLARE_API_TOKEN",
            "CF_API_TOKEN",
            "CLOUDFLARE_TOKEN",
            "CLOUDFLARE_API_KEY",
        ],
        &["cloudflare"],
    ),
];

/// Pieces of the names, searched for in the text. They leave out the first letter where that gives
/// one piece for several spellings.
pub(super) const FRAGMENTS: &str = "\
    ATEWAY_ ateway_ atewayToken atewayPass atewayAuth ateway- ateway. ateway\" ateway: ateway' \
    EB_API_KEY eb_api_key ebApiKey eb-api-key eb.api.key ebAPIKey istral ISTRAL ohere OHERE \
    CO_API_KEY co_api_key coApiKey co-api-key co.api.key eepseek EEPSEEK eepSeek ashscope \
    ASHSCOPE ashScope qwen QWEN Qwen odelstudio ODELSTUDIO odelStudio oonshot OONSHOT kimi KIMI \
    Kimi zai ZAI Zai z.ai z_ai Z_AI zAi z-ai hipu HIPU EXA_ exa_ exa- exaApi exa.a Exa( eepgram \
    EEPGRAM ireworks IREWORKS oyage OYAGE ecret_access_key ECRET_ACCESS_KEY ecretAccessKey \
    ecret-access-key ecret.access.key aws_secret AWS_SECRET awsSecret aws-secret aws.secret \
    loudflare LOUDFLARE CF_API_TOKEN cf_api_token cfApiToken cf-api-token cf.api.token \
    CCESS_CLIENT_SECRET ccess_client_secret ccessClientSecret ccess-client-secret \
    ccess-Client-Secret ccess.client.secret x-api-key X-API-Key X-Api-Key \
    X-API-KEY";

/// The command whose options hold keys; it has a blank in it.
pub(super) const COMMAND: &str = "claw gateway";

/// Names end so that speak about a secret and hold none.
pub(super) const PLAIN_ENDINGS: &str = "\
    SHA256 SHA1 SHA512 MD5 HASH HASHES DIGEST DIGESTS CHECKSUM CHECKSUMS FINGERPRINT ID FILE PATH TTL LENGTH HEADER \
    PATTERN URL COMMIT REVISION REV ETAG UUID INTEGRITY VERSION MODEL REF";

/// Words in a name that make its value a public one.
pub(super) const PUBLIC_WORDS: &str = "\
    PUBLIC PUBLISHABLE RECIPIENT";

/// Words between a name and its value that say nothing: types, fields and calls.
pub(super) const NOISE: &str = "\
    VALUE VAL STR STRING STATIC CONST CHAR OPTIONAL SOME BEARER BASIC TOKEN_TOKEN DEFAULT \
    KEY_VALUE TEXT DATA O NONE STD VAR LET CONTENT F B R U NAME TO_STRING FROM FINAL VARCHAR S \
    STD_STRING STRING_FROM JSON_STRINGIFY";

/// Words that say "a secret follows" where the provider's name stands on the same line.
pub(super) const SECRET_WORDS: &str = "\
    KEY TOKEN SECRET PASSWORD AUTH AUTHORIZATION BEARER APIKEY CREDENTIAL CREDENTIALS PASSWD \
    PWD";
