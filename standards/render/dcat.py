"""The base tables as a catalog in DCAT (W3C, profile DCAT-AP 3.0), written as JSON-LD.

Each base table is a dataset; what DCAT has no term for, its columns, is a table schema of CSVW under `dct:conformsTo`.
"""

from collections.abc import Iterable
from typing import Any

from standards.model import Schema, SchemaUse, Standards
from standards.texts import LANGUAGES, STANDARD_TEXTS, load_texts, make_translate

PREFIXES = {
    "csvw": "http://www.w3.org/ns/csvw#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_RIGHTS = "http://publications.europa.eu/resource/authority/access-right/"
_DATATYPES = {"string": "xsd:string", "date": "xsd:date", "integer": "xsd:integer", "decimal": "xsd:decimal"}


def to_dcat(schemas: Iterable[Schema], standards: Standards) -> dict[str, Any]:
    """A catalog with one dataset per schema."""
    datasets = [_dataset(schema, standards) for schema in schemas]
    catalog = {
        "@id": "urn:govhub:catalog",
        "@type": "dcat:Catalog",
        "dct:title": _both("基础库目录", "Catalog of the base registries"),
        "dct:description": _both("政务数据共享枢纽发布的基础库", "Base registries published by the data-sharing hub"),
        "dct:publisher": _publisher(),
        "dcat:dataset": [{"@id": dataset["@id"]} for dataset in datasets],
    }
    return {"@context": PREFIXES, "@graph": [catalog, *datasets]}


def _dataset(schema: Schema, standards: Standards) -> dict[str, Any]:
    titles = [element.title for element in schema.elements]
    private = any(element.classification != "public" for element in schema.elements)
    return {
        "@id": f"urn:govhub:dataset:{schema.table}",
        "@type": "dcat:Dataset",
        "dct:title": _both(schema.title.zh, schema.title.en),
        "dct:description": _both("、".join(title.zh for title in titles), "; ".join(title.en for title in titles)),
        "dct:identifier": schema.table,
        "dcat:version": standards.version,
        "dcat:keyword": [word for title in titles for word in _both(title.zh, title.en)],
        "dct:publisher": _publisher(),
        "dct:accessRights": {
            "@id": _RIGHTS + ("RESTRICTED" if private else "PUBLIC"),
            "@type": "dct:RightsStatement",
        },
        "dct:conformsTo": [*(_standard(name) for name in _sources(schema)), _table_schema(schema, standards)],
    }


def _table_schema(schema: Schema, standards: Standards) -> dict[str, Any]:
    return {
        "@id": f"urn:govhub:standards:{standards.version}:{schema.id}",
        "@type": ["dct:Standard", "csvw:Schema"],
        "dct:title": _both(f"{schema.title.zh}数据项", f"Columns of {schema.title.en}"),
        "csvw:column": {"@list": [_column(use) for use in schema.uses]},
        "csvw:primaryKey": list(schema.identity),
    }


def _column(use: SchemaUse) -> dict[str, Any]:
    element = use.element
    return {
        "@type": "csvw:Column",
        "csvw:name": element.id,
        "csvw:title": _both(element.title.zh, element.title.en),
        "dct:description": _both(element.definition.zh, element.definition.en),
        "csvw:datatype": {"@id": _DATATYPES[element.data_type]},
        "csvw:required": use.required,
        "csvw:notes": _both(*(make_translate(load_texts(STANDARD_TEXTS), lang)(f"obligation.{use.obligation}") for lang in LANGUAGES)),
        "dct:source": element.source.citation,
    }


def _sources(schema: Schema) -> list[str]:
    return sorted({element.source.standard for element in schema.elements})


def _standard(name: str) -> dict[str, Any]:
    return {"@type": "dct:Standard", "dct:title": name}


def _publisher() -> dict[str, Any]:
    return {"@id": "urn:govhub:publisher", "@type": "foaf:Agent", "foaf:name": _both("数据中心", "Data center")}


def _both(zh: str, en: str) -> list[dict[str, str]]:
    return [{"@value": zh, "@language": "zh"}, {"@value": en, "@language": "en"}]
