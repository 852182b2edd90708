"""Links of the next page as servers write them; what is none is refused, since the end of the pages would be taken for that of the records."""

import pytest

from connectors.apis.links import next_link


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("", None),
        ('</p?at=1>; rel="next"', "/p?at=1"),
        ("</p?at=1>; rel=next", "/p?at=1"),
        ('</p>; rel="next last"', "/p"),
        ('</p>; Rel="NEXT"', "/p"),
        ('</p;v=1?at=10>;rel="next"', "/p;v=1?at=10"),
        ('</p?a=1;b=2,<3>; rel="next"', "/p?a=1;b=2,<3"),
        ('</p?a=1,2>; rel="next", </q>; rel="last"', "/p?a=1,2"),
        ('</first>; rel="first", </p>; title="a; rel=\\"next\\", x"; rel="prev", </n> ; rel = "next"', "/n"),
        ('</p>; rel="prev"; rel="next"', None),
        ("</p>; rel=nextish, </q>; title=next", None),
        ('</p>; crossorigin; rel="next"', "/p"),
        ('</a>; rel="next", </b>; rel="next"', "/a"),
    ],
)
def test_the_next_page(header: str, target: str | None) -> None:
    assert next_link(header) == target


@pytest.mark.parametrize("header", ["next", '<p; rel="next"', '</p>; rel="next" garbage', "</p> rel=next", '"</p>; rel=next'])
def test_what_is_no_list_of_links_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="no list of links"):
        next_link(header)
