"""What schemathesis cannot know of our API from its document: whom it must not lock out, how often one address may
call, and which refusals of a request that fits its schema are right."""

import itertools
import os
import re

import schemathesis

# The tokens that the run itself calls with: a list names them, and so they would be revoked.
OWN_TOKENS = set(os.environ["GATEHOUSE_OWN_TOKENS"].split(","))

# A schema says what a request looks like, not what is so. (operation, status, code) and the detail that is expected.
RIGHTLY_REFUSED = [
    # No schema makes a cursor that a list has given.
    (r"GET .*", 400, "invalid-request", r"query\.cursor is not one that a list has given"),
    # What no database keeps and what has no UTF-8, in whichever parameter.
    (r".*", 400, "invalid-request", r"holds a zero byte or half a character"),
    # A schema cannot say "in the future", nor "at most 90 days from now".
    (r"(POST|PUT) .*", 400, "invalid-request", r"body\.(until|expiresAt) "),
    # Roles stand above each other; a token is never above whoever makes it, and not wider than its scope.
    (r"POST /v1/tokens", 400, "invalid-request", r"body\.(role|tenant|project) "),
    # Which providers a release has is said by the release.
    (r"POST /v1/gateways", 400, "invalid-request", r"body\.provider is "),
    # What an address is stands in a standard of its own, which no pattern says whole.
    (r"(POST|PUT) /v1/webhooks.*", 400, "invalid-request", r"body\.url .* is no address"),
    # One name in several tenants.
    (r".*", 400, "invalid-request", r"Several tenants have a gateway"),
    # Nobody makes signatures that verify.
    (r"POST /v1/releases/import", 422, "release-invalid", r"^Nothing was imported: "),
    # Two requests with one key, which is what a key is for.
    (r"(POST|PUT|DELETE) .*", 422, "idempotency-key-reused", r"came before with another request"),
]

# Things that are there: names made at random seldom are.
GATEWAYS = os.environ["GATEHOUSE_GATEWAYS"].split(",")

numbers = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    number = next(numbers)
    fits = case.meta is not None and case.meta.generation.mode.is_positive
    if fits and number % 2 == 0 and "{gateway}" in case.path:
        case.path_parameters["gateway"] = GATEWAYS[number // 2 % len(GATEWAYS)]
        (case.query or {}).pop("tenant", None)
    # The scope of a pause is an object in replies, and two parts of an address.
    scope = case.path_parameters.get("scope")
    if isinstance(scope, dict):
        case.path_parameters["scope"], case.path_parameters["name"] = scope["kind"], scope["name"]
    if case.path == "/v1/tokens/{name}" and case.path_parameters.get("name") in OWN_TOKENS:
        case.path_parameters["name"] = "nobodys-own"
    # One address may call so often a minute; behind a proxy there are many, others in each run. Agents need
    # HTTPS, which a proxy speaks.
    address = os.getpid() * 8192 + number // 10
    case.headers = {
        **(case.headers or {}),
        "x-forwarded-for": f"10.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}",
        "x-forwarded-proto": "https",
    }


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """False: dropped."""
    # Refused before it could be read: too long for a request's head.
    if failure.code == "ST201" and response.status_code == 431:
        return False
    if failure.code != "ST202":
        return True
    problem = response.json()
    # JSON by its grammar, and nothing that we would ever read.
    if "is not JSON, or has a field __proto__" in problem["detail"] and re.search("__proto__|prototype", repr(case.body)):
        return False
    return not any(
        re.fullmatch(operation, f"{case.method} {case.path}")
        and (status, code) == (response.status_code, problem["code"])
        and re.search(detail, problem["detail"])
        for operation, status, code, detail in RIGHTLY_REFUSED
    )
