"""Credentials that give themselves away by their shape: one row per issuer.

A row's `regex` has one group, the secret. Its `gate` is a short piece that every match contains,
byte for byte, also when the text is a JSON string inside a JSON string: the gate of all rows is
one automaton that runs over whole requests, so it holds literals rather than counted classes and
no word boundaries (the byte before a protobuf string is its length and may be a letter).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

__all__ = ["TOKENS", "Pattern"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One shape of secret.

    Attributes:
        kind: what the marker says.
        regex: RE2 over Latin-1 bytes with one group, the part that is redacted.
        gate: RE2 without groups; found wherever `regex` matches.
        example: a text in which `regex` matches (not a working credential).
        source: who defines the shape.
        check: decides on the group's bytes where a regex cannot.
    """

    kind: str
    regex: bytes
    gate: bytes
    example: str
    source: str
    check: Callable[[bytes], bool] | None = None


def _prefixed(kind: str, prefix: bytes, rest: bytes, example: str, source: str) -> Pattern:
    """A credential that starts with a prefix nobody else uses."""
    return Pattern(kind, b"(" + prefix + rest + b")", prefix, example, source)


def _word(kind: str, prefix: bytes, rest: bytes, example: str, source: str) -> Pattern:
    """A credential whose prefix could end another word, so it must start one."""
    return Pattern(kind, rb"\b(" + prefix + rest + b")", prefix, example, source)


_A = b"[A-Za-z0-9]"
_B = b"[A-Za-z0-9_-]"
_PEM = rb"PRIVATE KEY(?: BLOCK)?-----"

_PRIVATE_KEYS: Final = (
    Pattern(
        "private-key",
        rb"(-----BEGIN [A-Z0-9 ]*" + _PEM + rb"(?s:.*?)(?:-----END [A-Z0-9 ]*" + _PEM + rb"|\z))",
        rb"PRIVATE KEY",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n-----END RSA PRIVATE KEY-----",
        "RFC 7468; a block cut off by a length limit counts to the end of the text",
    ),
    _word(
        "private-key",
        b"AGE-SECRET-KEY-1",
        b"[A-Z0-9]{20,}",
        "AGE-SECRET-KEY-1QQPQ" + "Z9" * 20,
        "age",
    ),
)

_CLOUDS: Final = (
    Pattern(
        "aws",
        rb"(?:^|[^A-Za-z0-9])((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})(?:[^A-Za-z0-9]|$)",
        rb"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{4}",
        "id AKIAIOSFODNN7EXAMPLE.",
        "AWS IAM unique identifiers",
    ),
    _prefixed("aws", b"ABSK", b"[A-Za-z0-9+/]{100,}={0,2}", "ABSK" + "Qm9" * 40, "Amazon Bedrock"),
    _word("google", b"AIza", b"[A-Za-z0-9_-]{35}", "AIza" + "Sy0_a" * 7, "Google API key"),
    _prefixed("google", b"GOCSPX-", _B + b"{20,}", "GOCSPX-" + "aB3_" * 7, "Google OAuth client"),
    _word(
        "google", rb"ya29\.", b"[A-Za-z0-9_.-]{20,}", "ya29." + "a0Af" * 8, "Google OAuth token"
    ),
    _word(
        "digitalocean", b"do[oprt]_v1_", b"[a-f0-9]{40,}", "dop_v1_" + "a0b1" * 16, "DigitalOcean"
    ),
    _word("databricks", b"dapi[a-f0-9]{8}", b"[a-f0-9]{24}", "dapi" + "0a1b" * 8, "Databricks"),
    _word("vault", b"hv[sbr]\\.", _B + b"{20,}", "hvs." + "CAES" * 8, "HashiCorp Vault"),
    _prefixed(
        "terraform", rb"\.atlasv1\.", _B + b"{30,}", "a.atlasv1." + "x0Y_" * 12, "HCP Terraform"
    ),
)

_FORGES: Final = (
    _prefixed("github", b"gh[opsur]_", _A + b"{30,}", "ghp_" + "a0B1" * 9, "GitHub"),
    _prefixed(
        "github", b"github_pat_", b"[A-Za-z0-9_]{30,}", "github_pat_" + "11AA_" * 12, "GitHub"
    ),
    _prefixed(
        "gitlab",
        b"gl(?:pat|dt|rt|ptt|cbt|oas|soat|ft|imt|agent|ffct)-",
        b"[A-Za-z0-9_.-]{16,}",
        "glpat-" + "x_9Z" * 5,
        "GitLab",
    ),
    _prefixed("npm", b"npm_", _A + b"{30,}", "npm_" + "q1W2" * 9, "npm"),
    _prefixed(
        "pypi", b"pypi-Ag", _B + b"{20,}", "pypi-AgEIcHlwaS5vcmc" + "Cj_x" * 12, "PyPI macaroon"
    ),
    _prefixed("rubygems", b"rubygems_", b"[a-f0-9]{40,}", "rubygems_" + "0a1b" * 12, "RubyGems"),
    _prefixed("docker", b"dckr_[op]at_", _B + b"{20,}", "dckr_pat_" + "aZ_9" * 7, "Docker Hub"),
    _word(
        "atlassian", b"ATATT3", b"[A-Za-z0-9_=-]{20,}", "ATATT3xFfGF0" + "aB1_" * 12, "Atlassian"
    ),
)

_SERVICES: Final = (
    _word(
        "slack", b"xox[a-z]-", b"[A-Za-z0-9-]{10,}", "xoxb-17653672481-19874698323-pdFZ", "Slack"
    ),
    _word("slack", b"xapp-", b"[A-Za-z0-9-]{10,}", "xapp-1-A0B1C2D3-123-abcdef", "Slack"),
    Pattern(
        "slack",
        rb"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9_/-]{20,})",
        rb"hooks\.slack\.com",
        # Slack's own documented example; every pattern is tested to match its own.
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXyyyyZZZZ",
        "Slack incoming webhook",
    ),
    Pattern(
        "discord",
        rb"discord(?:app)?\.com/api/webhooks/\d+/([A-Za-z0-9_-]{30,})",
        rb"discord(?:app)?\.com",
        "https://discord.com/api/webhooks/123456/" + "aB_9" * 15,
        "Discord webhook",
    ),
    _word("stripe", b"[rs]k_(?:live|test)_", _A + b"{10,}", "sk_live_" + "4eC39HqL" * 3, "Stripe"),
    _word("stripe", b"whsec_", b"[A-Za-z0-9+/=]{20,}", "whsec_" + "a0B1" * 8, "Stripe webhook"),
    _word(
        "sendgrid",
        rb"SG\.[A-Za-z0-9_-]{8}",
        rb"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{20,}",
        "SG." + "aB1_" * 5 + "." + "cD2-" * 10,
        "SendGrid",
    ),
    _word("twilio", b"SK[a-f0-9]{8}", b"[a-f0-9]{24}", "SK" + "0a1b" * 8, "Twilio API key"),
    Pattern(
        "telegram",
        rb"(?:^|[^0-9])(\d{8,10}:AA[A-Za-z0-9_-]{33})",
        rb"\d:AA[A-Za-z0-9_-]{4}",
        "bot 123456789:AA" + "HdqTc" * 6 + "abc",
        "Telegram bot",
    ),
    _word("shopify", b"shp(?:at|ca|pa|ss)_", b"[A-Fa-f0-9]{32}", "shpat_" + "0a1B" * 8, "Shopify"),
    _word("square", b"sq0(?:atp|csp)-", _B + b"{22,}", "sq0atp-" + "aB_1" * 6, "Square"),
    _word("newrelic", b"NRAK-", b"[A-Z0-9]{20,}", "NRAK-" + "A1B2C3" * 5, "New Relic"),
    _word("grafana", b"gl(?:sa|c)_", b"[A-Za-z0-9_+/=]{30,}", "glsa_" + "aB1c" * 9, "Grafana"),
    _word(
        "sentry", b"sntr(?:ys|yu)_", b"[A-Za-z0-9_+/=-]{30,}", "sntrys_" + "eyJp" * 12, "Sentry"
    ),
    _word("linear", b"lin_(?:api|oauth)_", _A + b"{30,}", "lin_api_" + "a0B1" * 10, "Linear"),
    _word("notion", b"ntn_", _A + b"{30,}", "ntn_" + "a0B1" * 11, "Notion"),
    _word("postman", b"PMAK-", b"[a-f0-9-]{40,}", "PMAK-" + "0a1b" * 14, "Postman"),
    _word(
        "doppler",
        rb"dp\.(?:pt|st|ct|sa)\.",
        b"[A-Za-z0-9_.-]{20,}",
        "dp.pt." + "a0B1" * 11,
        "Doppler",
    ),
    _word(
        "supabase", b"sb(?:p_|_secret_)", b"[A-Za-z0-9_]{20,}", "sbp_" + "0a1b" * 10, "Supabase"
    ),
    _word("figma", b"fig[du]_", _B + b"{30,}", "figd_" + "aB_1" * 10, "Figma"),
)

_MODELS: Final = (
    _word("anthropic", b"sk-ant-", _B + b"{16,}", "sk-ant-api03-" + "aB_1" * 20, "Anthropic"),
    _word(
        "openai",
        b"sk-(?:proj|svcacct|admin|or|lf|live|test)-",
        _B + b"{12,}",
        "sk-proj-" + "aB_1" * 20,
        "OpenAI, OpenRouter, Langfuse",
    ),
    _word("openai", b"sk-[A-Za-z0-9_]{8}", _B + b"{12,}", "sk-" + "aB1c" * 12, "OpenAI, DeepSeek"),
    _word("huggingface", b"hf_", _A + b"{30,}", "hf_" + "aBcD" * 9, "Hugging Face"),
    _word(
        "langsmith", b"lsv2_(?:pt|sk)_", b"[A-Za-z0-9_]{20,}", "lsv2_pt_" + "0a1b" * 8, "LangSmith"
    ),
    _word("groq", b"gsk_", _A + b"{20,}", "gsk_" + "aB1c" * 13, "Groq"),
    _word("xai", b"xai-", _A + b"{30,}", "xai-" + "aB1c" * 20, "xAI"),
    _word("replicate", b"r8_", _A + b"{30,}", "r8_" + "aB1c" * 10, "Replicate"),
    _word("perplexity", b"pplx-", _A + b"{30,}", "pplx-" + "aB1c" * 12, "Perplexity"),
    _word("tavily", b"tvly-", b"[A-Za-z0-9-]{20,}", "tvly-" + "aB1c" * 8, "Tavily"),
)

_STANDARDS: Final = (
    Pattern(
        "jwt",
        rb"\b(eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){1,3})",
        rb"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP",
        "RFC 7519 (JWT), RFC 7516 (JWE)",
    ),
)

TOKENS: Final[tuple[Pattern, ...]] = (
    *_PRIVATE_KEYS,
    *_CLOUDS,
    *_FORGES,
    *_SERVICES,
    *_MODELS,
    *_STANDARDS,
)
"""Every row; where two match at one place the earlier one names the kind."""
