"""Names under which secrets are kept: attribute keys, JSON keys, headers, parameters.

A name is secret when it *ends* in a secret word, digits and punctuation aside:
`http.request.header.x-api-key`, `db_password`, `accessToken`, `password_2`. What only begins
with one is not (`token_type`, `secret_name`, `password_policy`, `authorization_endpoint`), nor
is a count of a model's tokens (`max_tokens`, `gen_ai.usage.input_tokens`), a cursor
(`next_page_token`) or a single token of a text (`time_to_first_token`, `eos_token`). Letters
are compared in ASCII only, so that a name and its bytes in a request always agree.

Every row also gives its *stem*: a piece that the bytes of every such name contain. The stems
are part of the gate. A stem that must end a word is closed by `_END`, which is anything but a
letter, or a letter that is a protobuf tag: in a request, the byte after a key may be one. A space
followed by a letter does not close it ("token expired" is prose), so names that a space may
follow, flags and tags, have gates of their own (`spaced`).
"""

from __future__ import annotations

from typing import Final

import re2

from otel_vector.settings.config import RedactConfig

__all__ = ["KeyRules", "latin1"]

_END: Final = rb"(?:[^cdfgklnostvw ]|$| [^a-z])"
_LAST: Final = rb"[^a-z]*$"
_LAST_CLOSED: Final = rb"(?:[^a-z ][^a-z]*)?$"
_SEP: Final = rb"[-_. ]?"
_QUALIFIERS: Final = (
    rb"(?:"
    + _SEP
    + rb"(?:value|hash|hashed|plain|plaintext|raw|new|old|current|confirm|confirmation"
    rb"|encrypted|encoded|b64|base64))*"
)
_KEY_KINDS: Final = (
    rb"(?:api|access|secret|private|encryption|signing|ssh|master|account|subscription|auth"
    rb"|consumer|license|app|application|client|webhook|shared)"
)
_TOKEN_KINDS: Final = rb"(?:access|refresh|auth|api|session|bearer|id)"
_PASS: Final = rb"pass" + _SEP + rb"(?:wor[dt]|phrase|code|wd)"
_ONE_TOKEN: Final = (
    rb"(?:page|next|continuation|sync|resume|cursor|first|last|per|output|input|prompt|completion"
    rb"|stop|eos|bos|eot|pad|unk|mask|sep|cls|special|max|min|num|reasoning|cached|idempotency"
    rb"|request|unexpected|previous|current|end|start|delimiter|nextpage)"
)

_ROWS: Final[tuple[tuple[str, bytes, bytes, bool], ...]] = (
    # kind, what a name ends in, its stem, whether the stem is only one at the end of a word
    ("password", _PASS + rb"s?" + _QUALIFIERS, _PASS, False),
    ("password", rb"pwd" + _QUALIFIERS, rb"pwd", False),
    ("password", rb"(?:^|[-_. ])pass", rb"pass", True),
    ("secret", rb"secrets?" + _QUALIFIERS, rb"secret", False),
    ("authorization", rb"authorization", rb"authorization", False),
    ("cookie", rb"cookies?", rb"cookie", False),
    ("key", _KEY_KINDS + _SEP + rb"keys?" + _QUALIFIERS, _KEY_KINDS + _SEP + rb"key", False),
    ("credential", rb"credentials?", rb"credential", False),
    ("token", rb"token", rb"token", True),
    ("token", rb"token" + _SEP + rb"(?:value|hash)", rb"token" + _SEP + rb"(?:value|hash)", False),
    ("token", _TOKEN_KINDS + _SEP + rb"tokens", _TOKEN_KINDS + _SEP + rb"tokens", False),
    ("token", rb"(?:jwt|csrf|xsrf)", rb"(?:jwt|csrf|xsrf)", True),
    ("token", rb"(?:^|[^a-z])bearer", rb"bearer", True),
    ("password", rb"(?:^|[^a-z])t?otp", rb"otp", True),
    ("card", rb"(?:^|[^a-z])(?:cvv2?|cvc2?)", rb"cv[vc]2?", True),
    ("session", rb"(?:jsessionid|phpsessid|sessid)", rb"(?:jsessionid|phpsessid|sessid)", False),
    ("authorization", rb"(?:^|[^a-z])_auth", rb"_auth", True),
)
_NOT_SECRET: Final = _ONE_TOKEN + _SEP + rb"token[^a-z]*$"
_WORKING_FOLDER: Final = (b"PWD", b"OLDPWD")
_MAX_CACHED: Final = 20_000
_LONGEST_CACHED: Final = 256  # characters


def latin1(
    pattern: bytes, *, ignore_case: bool = False, without_groups: bool = False
) -> re2._Regexp:
    """Compile a regex over bytes as they are.

    Raises:
        re2.error: RE2 cannot read it.
    """
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = not ignore_case
    options.never_capture = without_groups
    options.log_errors = False
    return re2.compile(pattern, options)


class KeyRules:
    """Decides by name. Answers are cached: names repeat, values do not.

    Attributes:
        words: RE2 source; every secret name contains one of them.
        stems: the same, closed where a word must end; found in any bytes around a secret name.
        spaced: those that must end a word, before a space.
    """

    def __init__(self, config: RedactConfig) -> None:
        self._allowed = frozenset(config.allow_keys)
        self._more = tuple(key.lower().encode() for key in config.keys if key)
        self._rows = tuple(
            (kind, latin1(ending + (_LAST_CLOSED if closed else _LAST), ignore_case=True))
            for kind, ending, _, closed in _ROWS
        )
        more = [re2.escape(key) for key in self._more]
        self.words = b"|".join([stem for _, _, stem, _ in _ROWS] + more)
        stems = [stem + _END if closed else stem for _, _, stem, closed in _ROWS]
        self.stems = b"|".join(stems + more)
        self.spaced = b"(?:" + b"|".join(stem for _, _, stem, closed in _ROWS if closed) + b") "
        self._stem = latin1(self.stems, ignore_case=True)
        self._not_secret = latin1(_NOT_SECRET, ignore_case=True)
        self._cache: dict[str, str | None] = {}

    def allowed(self, name: str) -> bool:
        """Return whether the user said that this key is never redacted."""
        return name in self._allowed

    def kind(self, name: str) -> str | None:
        """Return the kind of secret that a value under this name is, or None."""
        try:
            return self._cache[name]
        except KeyError:
            found = self._look(name)
            if len(name) <= _LONGEST_CACHED:
                if len(self._cache) >= _MAX_CACHED:
                    self._cache.clear()
                self._cache[name] = found
            return found

    def _look(self, name: str) -> str | None:
        if name in self._allowed:
            return None
        raw = name.encode("utf-8", "surrogatepass")
        low = raw.lower()
        if any(low == key or low.endswith(b"." + key) for key in self._more):
            return "custom"
        if self._stem.search(raw) is None or raw.rpartition(b".")[2] in _WORKING_FOLDER:
            return None
        if self._not_secret.search(raw) is not None:
            return None
        return next((kind for kind, ending in self._rows if ending.search(raw)), None)
