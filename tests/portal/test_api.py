"""What the API answers, and what it promises in its document: errors as problem bodies, in the language asked for, and nothing else than it says."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.factories import person, resident_id
from tests.portal.conftest import Portal

PERSON = person(0)


@pytest.mark.parametrize(
    ("accepted", "said"),
    [
        ("en", "Start anew"),
        ("en-GB,en;q=0.9,zh;q=0.8", "Start anew"),
        ("zh;q=0.2, EN-us;q=0.7", "Start anew"),
        ("fr, en;q=0.1", "Start anew"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "请重新开始"),
        ("en;q=0, *", "请重新开始"),
        ("en;q=nonsense, ;;, -", "请重新开始"),
    ],
)
def test_a_program_is_answered_in_the_language_that_it_accepts(filled: Portal, accepted: str, said: str) -> None:
    headers = {"Accept-Language": accepted}
    answer = filled.client.get("/api/v1/registries/population/changes", params={"after": 999}, headers=headers)
    assert said in answer.json()["next"]
    chosen = filled.client.get("/api/v1/registries/population/changes", params={"after": 999, "lang": "zh"}, headers=headers)
    assert "请重新开始" in chosen.json()["next"], "what the address asks for counts first"
    assert '<html lang="zh-CN">' in filled.client.get("/datasets", headers=headers).text, "a person has a switch on the page"


def test_api_errors_are_problem_bodies(filled: Portal) -> None:
    missing = filled.client.post("/api/v1/registries/population/lookup", json={"identifier": resident_id(99)})
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert resident_id(99) not in missing.text
    wrong = filled.client.post("/api/v1/registries/population/lookup", json={"identifier": PERSON["SFZH"], "more": PERSON["DH"]})
    assert wrong.status_code == 422
    assert PERSON["SFZH"] not in wrong.text
    assert PERSON["DH"] not in wrong.text


TOO_LARGE = (2**53, 2**63, 10**30)


@pytest.mark.parametrize("number", TOO_LARGE)
def test_a_number_too_large_for_any_database_is_wrong_input(filled: Portal, number: int) -> None:
    record = f"/registries/population/records/{filled.canonical_id('population', resident_id=PERSON['SFZH'])}"
    registry, why = "/api/v1/registries/population", {"purpose": "a long enough purpose"}
    asked = (
        *(f"{registry}/publications?{name}={number}" for name in ("before", "limit")),
        *(f"{registry}/changes?{name}={number}" for name in ("after", "limit")),
        *(f"{registry}/state?{name}={number}" for name in ("publication", "limit")),
        *(f"/api/v1/{path}?limit={number}" for path in ("audit", "datasets/health__never/batches")),
        f"/api/v1{record}?known_at={number}",
        f"{record}?known_at={number}",
    )
    answers = [filled.client.get(path) for path in asked]
    answers += [
        filled.client.post(f"{registry}/lookup", json={"identifier": PERSON["SFZH"], "known_at": number}),
        *(filled.client.post(f"{registry}/changes", json=why | {name: number}) for name in ("after", "limit")),
        *(filled.client.post(f"{registry}/state", json=why | {name: number}) for name in ("publication", "limit")),
        filled.client.post(record, data=why | {"known_at": number}),
    ]
    assert {answer.status_code for answer in answers} == {422}


@pytest.mark.parametrize(
    ("method", "path", "asked", "chinese", "english"),
    [
        ("get", "changes", {"params": {"limit": 0}}, "query.limit: 不小于 1", "query.limit: at least 1"),
        ("get", "changes", {"params": {"after": "x"}}, "query.after: 整数", "query.after: a whole number"),
        ("post", "lookup", {"json": []}, "body: JSON 对象", "body: a JSON object"),
        ("post", "lookup", {"content": "{", "headers": {"Content-Type": "application/json"}}, "有效的 JSON", "valid JSON"),
        (
            "post",
            "lookup",
            {"json": {"identifier": "marker-x", "known_at": "marker-x"}},
            "body.known_at: 整数",
            "body.known_at: a whole number",
        ),
    ],
)
def test_a_question_that_does_not_fit_is_told_what_is_expected(
    filled: Portal, method: str, path: str, asked: dict[str, Any], chinese: str, english: str
) -> None:
    for lang, words in (("zh", chinese), ("en", english)):
        address = {"url": f"/api/v1/registries/population/{path}", "params": {**asked.get("params", {}), "lang": lang}}
        answer = filled.client.request(method, **asked | address)
        assert answer.status_code == 422
        assert words in answer.json()["detail"]
        assert "openapi.json" in answer.json()["next"]
        assert "marker-x" not in answer.text


@pytest.mark.parametrize("number", [*TOO_LARGE, "9" * 5_000, "0", "-1", "x"])
def test_a_publication_that_cannot_be_is_not_there(filled: Portal, number: int | str) -> None:
    assert filled.client.get(f"/registries/population/publications/{number}").status_code == 404


@pytest.mark.parametrize("address", [f"/audit?page={10**30}", f"/registries/population?page={2**63}", f"/audit?page={'9' * 5_000}"])
def test_a_page_that_no_list_has_is_behind_its_end(filled: Portal, address: str) -> None:
    assert filled.client.get(address).status_code == 200


@pytest.mark.parametrize("number", ["-1", "0", "x", "1.5", "²"])
def test_what_is_the_number_of_no_page_is_said_to_be_none(empty: Portal, number: str) -> None:
    answer = empty.client.get("/standards/code-lists/division", params={"page": number, "lang": "en"})
    assert (answer.status_code, "pages are numbered from 1" in answer.text) == (404, True)
    assert empty.client.get("/audit", params={"page": "", "lang": "en"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/datasets",
        "/datasets/public_security__resident",
        "/datasets/public_security__resident/batches?limit=1",
        "/batches/public_security__resident@1",
        "/registries",
        "/registries/population",
        "/registries/population/publications",
        "/standards/elements",
        "/audit",
        "/openapi.json",
    ],
)
def test_the_api_answers(filled: Portal, path: str) -> None:
    response = filled.client.get(f"/api/v1{path}")
    assert response.status_code == 200
    assert response.json()


REGISTRY = "/api/v1/registries/{registry_id}"
DATASET = "/api/v1/datasets/{dataset_id}"
WHY = "a long enough purpose"


@pytest.mark.parametrize(
    ("method", "path", "ids", "asked", "status"),
    [
        ("get", "/api/v1/datasets", {}, {}, 200),
        ("get", f"{DATASET}/batches", {"dataset_id": "health__never"}, {}, 200),
        ("get", f"{REGISTRY}/changes", {"registry_id": "population"}, {}, 200),
        ("get", DATASET, {"dataset_id": "nobody__nothing"}, {}, 404),
        ("get", f"{DATASET}/batches", {"dataset_id": "nobody__nothing"}, {}, 404),
        ("get", "/api/v1/batches/{batch_id}", {"batch_id": "none@1"}, {}, 404),
        ("get", REGISTRY, {"registry_id": "none"}, {}, 404),
        ("get", f"{REGISTRY}/records/{{canonical_id}}", {"registry_id": "population", "canonical_id": "none"}, {}, 404),
        ("post", f"{REGISTRY}/lookup", {"registry_id": "population"}, {"json": {"identifier": resident_id(99)}}, 404),
        ("post", f"{REGISTRY}/lookup", {"registry_id": "population"}, {"json": {"identifier": PERSON["SFZH"], "purpose": "x"}}, 422),
        ("get", f"{REGISTRY}/state", {"registry_id": "population"}, {"params": {"publication": 99}}, 404),
        ("get", f"{REGISTRY}/changes", {"registry_id": "population"}, {"params": {"after": 99}}, 410),
        ("post", f"{REGISTRY}/changes", {"registry_id": "population"}, {"json": {"after": 99, "purpose": WHY}}, 410),
        ("get", "/api/v1/audit", {}, {"params": {"limit": 0}}, 422),
        ("post", f"{REGISTRY}/lookup", {"registry_id": "population"}, {"json": []}, 422),
        ("post", f"{REGISTRY}/lookup", {"registry_id": "population"}, {"content": "{"}, 422),
        ("post", f"{REGISTRY}/state", {"registry_id": "population"}, {"json": {"purpose": ""}}, 422),
        ("get", "/api/v1/datasets", {}, {"headers": {"Host": "rebound.example"}}, 400),
        ("post", f"{REGISTRY}/lookup", {"registry_id": "population"}, {"headers": {"Origin": "null"}}, 403),
        ("post", f"{REGISTRY}/lookup", {"registry_id": "population"}, {"content": "x" * 70_000}, 413),
    ],
)
def test_the_api_answers_as_its_document_says(
    filled: Portal, method: str, path: str, ids: dict[str, str], asked: dict[str, Any], status: int
) -> None:
    document = filled.client.get("/api/v1/openapi.json").json()
    operation = document["paths"][path][method]
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    asked_without_token = filled.stranger.request(method, path.format(**ids), **({} if status in (400, 403, 413) else asked))
    answered = {status: filled.client.request(method, path.format(**ids), **asked), 401: asked_without_token}
    for told, response in answered.items():
        assert response.status_code == told
        # Who cannot be let in at all is not told of each route.
        said = operation["responses"]["default" if told in (400, 403, 413) else str(told)]
        (kind,) = said["content"]
        assert response.headers["content-type"] == kind
        schema = said["content"][kind]["schema"] | {"components": document["components"]}
        Draft202012Validator(schema).validate(response.json())


def test_the_document_has_no_error_that_nothing_answers(filled: Portal) -> None:
    document = filled.client.get("/api/v1/openapi.json").json()
    assert "HTTPValidationError" not in str(document)
    assert set(document["paths"]["/api/v1/datasets"]["get"]["responses"]) == {"200", "401", "default"}
    assert set(document["paths"]["/api/v1/audit"]["get"]["responses"]) == {"200", "401", "422", "default"}
    assert set(document["paths"][REGISTRY]["get"]["responses"]) == {"200", "401", "404", "default"}
