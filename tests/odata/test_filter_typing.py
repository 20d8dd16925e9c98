"""A filter against the entity data model: its shape and values, and how what means nothing is refused."""

import pytest

from stanchion.errors import BadRequest, NotImplementedFeature
from stanchion.model.edm import CONTROL_PROFILES, ENTITY_SETS, SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.odata.filter import Filter, parse_filter
from stanchion.odata.filter.tree import (
    Column,
    Comparison,
    Element,
    Entity,
    IsAbsent,
    IsNull,
    Likeness,
    Member,
    Membership,
    Parameter,
    Quantified,
    Scalar,
)

SETS = {"c": CONTROL_PROFILES, "s": SECURE_SCORES, "u": USER_PROFILES}
DAY = 864_000_000_000


def read(text: str, entity_set: EntitySet = CONTROL_PROFILES) -> Filter:
    return parse_filter(text, entity_set, aliases={})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("title eq 'a' and rank gt 5", "title eq 'b'  AND rank gt -7"),
        ("rank in (1,2,3)", "rank in (4)"),
        ("maxScore ge 5", "maxScore ge 5.5"),
        ("threats/any(t:t eq 'a')", "threats/any(other:other eq 'b')"),
        ("lastModifiedDateTime gt 2026-01-01", "lastModifiedDateTime gt 2025-01-01T00:00:00+02:00"),
        ("substring(title,1) eq 'a'", "substring(title,-2) eq ''"),
    ],
)
def test_filters_that_differ_in_literals_have_one_shape(one: str, other: str) -> None:
    assert read(one).tree == read(other).tree
    assert hash(read(one).tree) == hash(read(other).tree)
    assert read(one).values != read(other).values


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("title eq 'a'", "title ne 'a'"),
        ("title eq 'a'", "title eq null"),
        ("rank in (1)", "rank in (1,null)"),
        ("rank eq 1", "rank eq 1.0"),
        ("threats/any()", "threats/any(t:t eq 'a')"),
    ],
)
def test_what_changes_the_sql_changes_the_shape(one: str, other: str) -> None:
    assert read(one).tree != read(other).tree


TITLE, SCORE = Column("title", "Edm.String"), Column("max_score", "Edm.Double")
CREATED = Column("created_date_time", "Edm.DateTimeOffset")
C = Element(0)


@pytest.mark.parametrize(
    ("text", "tree", "values"),
    [
        ("c:title eq 'a'", Comparison("eq", TITLE, Parameter(0, "Edm.String")), ("a",)),
        ("c:$it/title eq 'a'", Comparison("eq", TITLE, Parameter(0, "Edm.String")), ("a",)),
        ("c:5 lt maxScore", Comparison("lt", Parameter(0, "Edm.Double"), SCORE), (5.0,)),
        ("c:title eq null", IsNull(TITLE), ()),
        ("c:id eq 'a'", Comparison("eq", Column("id", "Edm.String"), Parameter(0, "Edm.String")), ("a",)),
        ("c:deprecated", Column("deprecated", "Edm.Boolean"), ()),
        (
            "c:vendorInformation/vendor eq 'a'",
            Comparison("eq", Column("vendor_information_vendor", "Edm.String"), Parameter(0, "Edm.String")),
            ("a",),
        ),
        (
            "c:vendorInformation/subProvider eq title",
            Comparison(
                "eq",
                Member(Entity(), ("vendorInformation", "subProvider"), "Edm.String", declared=True),
                TITLE,
            ),
            (),
        ),
        ("c:vendorInformation eq null", IsAbsent(Entity(), ("vendorInformation",)), ()),
        (
            "s:createdDateTime gt 1970-01-02",
            Comparison("gt", CREATED, Parameter(0, "Edm.DateTimeOffset")),
            (DAY,),
        ),
        (
            "s:createdDateTime in (1970-01-02,1970-01-01T00:00:00Z)",
            Membership(CREATED, 0, "Edm.DateTimeOffset", with_null=False),
            ((DAY, 0),),
        ),
        (
            "s:controlScores/any(x:x/count lt 5)",
            Quantified(
                "any",
                Entity(),
                ("controlScores",),
                C,
                Comparison("lt", Member(C, ("count",), "Edm.Double"), Parameter(0, "Edm.Double")),
            ),
            (5.0,),
        ),
        (
            "s:controlScores/any(x:x/a eq x/b)",
            Quantified("any", Entity(), ("controlScores",), C, Likeness("eq", (C, ("a",)), (C, ("b",)))),
            (),
        ),
        (
            "u:accounts/any(a:a/status in ('2','deleted'))",
            Quantified(
                "any",
                Entity(),
                ("accounts",),
                C,
                Membership(
                    Member(C, ("status",), "Edm.String", declared=True), 0, "Edm.String", with_null=False
                ),
            ),
            (("active", "deleted"),),
        ),
        (
            "u:'a' in tags",
            Quantified(
                "any",
                Entity(),
                ("tags",),
                C,
                Comparison("eq", Parameter(0, "Edm.String"), Member(C, (), "Edm.String", declared=True)),
            ),
            ("a",),
        ),
    ],
)
def test_a_filter_becomes_a_tree_and_values(text: str, tree: Scalar, values: tuple[object, ...]) -> None:
    name, _, asked = text.partition(":")
    assert read(asked, SETS[name]) == Filter(tree, values)  # type: ignore[arg-type]  # A table of values of all kinds.


@pytest.mark.parametrize("name", ENTITY_SETS)
def test_every_declared_property_can_be_asked_whether_it_is_null_or_has_elements(name: str) -> None:
    entity_set = ENTITY_SETS[name]
    for prop in entity_set.type.properties:
        is_collection = prop.edm_type.startswith("Collection")
        read(f"{prop.name}/any()" if is_collection else f"{prop.name} ne null", entity_set)


def test_an_undeclared_name_that_is_like_none_is_told_all_of_them() -> None:
    with pytest.raises(BadRequest) as refusal:
        read("vendorInformation/nope eq 1", SECURE_SCORES)
    declared = "Declared are provider, providerVersion, subProvider, vendor."
    assert refusal.value.message.endswith(f"at character 19 of '$filter'. {declared}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "c:maxscore gt 5",
            (
                "Could not find a property named 'maxscore' on type 'microsoft.graph.secureScoreControlProfile', "
                "at character 1 of '$filter'. Did you mean 'maxScore'?"
            ),
        ),
        (
            "c:rank gt 5 and vendorInformation/vender eq 'a'",
            (
                "Could not find a property named 'vender' on type 'microsoft.graph.securityVendorInformation', "
                "at character 33 of '$filter'. Did you mean 'vendor'?"
            ),
        ),
        ("c:nope eq 1", "at character 1 of '$filter'. Declared are id, actionType, actionUrl, "),
        ("s:controlScores/any(c:score gt 5)", "named 'score' on type 'microsoft.graph.secureScore'"),
        (
            "s:createdDateTime ge '2026-01-01T00:00:00Z'",
            (
                "Invalid filter clause: 'createdDateTime' of type Edm.DateTimeOffset does not compare with a "
                "string; write instants and dates without quotes, at character 17 of '$filter'."
            ),
        ),
        ("s:date(createdDateTime) eq '2026-01-01'", "Invalid filter clause: 'date(...)' of type Edm.Date"),
        ("s:createdDateTime in ('2026-01-01')", "Invalid filter clause: 'createdDateTime'"),
        ("c:title eq 5", "'title' of type Edm.String does not compare with the number 5, at character 7"),
        ("c:5 eq title", "The number 5 does not compare with 'title' of type Edm.String, at character 3"),
        ("c:rank eq 'a'", "'rank' of type Edm.Int32 does not compare with the string 'a', at character 6"),
        ("c:rank eq true", "'rank' of type Edm.Int32 does not compare with true"),
        (
            "c:rank in (1,'a')",
            "'rank' of type Edm.Int32 does not compare with the string 'a', at character 12",
        ),
        ("c:deprecated eq 1", "'deprecated' of type Edm.Boolean does not compare with the number 1"),
        ("c:rank gt 2026-01-01", "does not compare with the date 2026-01-01"),
        (
            "c:date(lastModifiedDateTime) eq lastModifiedDateTime",
            "'date(...)' of type Edm.Date does not compare",
        ),
        (
            "c:azureTenantId eq 11111111-1111-4111-8111-111111111111",
            "'azureTenantId' of type Edm.String compares with a string; write the guid in quotes, at character 15",
        ),
        ("c:title", "A condition is expected, not 'title' of type Edm.String, at character 1"),
        ("c:not rank eq 1", "A condition is expected, not 'rank' of type Edm.Int32, at character 5"),
        ("c:rank add 1", "A condition is expected, not a calculation of type Edm.Double, at character 6"),
        ("c:threats", "A condition is expected, not 'threats' of type Collection(Edm.String)"),
        ("c:5", "A condition is expected, not the number 5"),
        ("c:title eq 'a' and 'b'", "A condition is expected, not the string 'b', at character 18"),
        (
            "c:threats eq null",
            "'threats' of type Collection(Edm.String) is a collection, which is never null",
        ),
        ("c:threats eq 'a'", "'threats' of type Collection(Edm.String) does not compare with the string 'a'"),
        ("c:threats/x eq 'a'", "'threats' is a collection; ask about its elements with any or all"),
        ("c:title/x eq 'a'", "'title' is of type Edm.String, which has no parts, at character 7"),
        ("c:title/any()", "A collection is expected, not 'title' of type Edm.String, at character 1"),
        ("c:title/$count gt 1", "A collection is expected, not 'title'"),
        ("c:1 in title", "A collection is expected, not 'title' of type Edm.String, at character 6"),
        ("c:threats/any(t:t/x eq 1)", "'t' is of type Edm.String, which has no parts, at character 17"),
        ("c:threats/any(t:threats/any(t:t eq 'a'))", "The variable 't' is that of a lambda around this one"),
        ("c:threats/any(t:t) ", "A condition is expected, not 't' of type Edm.String"),
        (
            "c:vendorInformation gt null",
            "'vendorInformation' of type graph.securityVendorInformation has no order",
        ),
        (
            "c:vendorInformation eq 'a'",
            "type graph.securityVendorInformation does not compare with the string",
        ),
        (
            "u:accounts/any(a:a/status gt 'active')",
            "has no order; it compares by eq, ne and in, at character 25",
        ),
        (
            "u:accounts/any(a:a/status eq 'Active')",
            "'Active' is no member of microsoft.graph.accountStatus; allowed: unknown, staged, active",
        ),
        (
            "u:accounts/any(a:a/status eq a/service)",
            "type graph.accountStatus does not compare with 'a/service'",
        ),
        (
            "s:controlScores/any(c:c/x in (11111111-1111-4111-8111-111111111111))",
            "'c/x' does not compare with the guid 11111111-1111-4111-8111-111111111111, at character 29",
        ),
        (
            "u:accounts/any(a:a/status eq 2)",
            "microsoft.graph.accountStatus does not compare with the number 2",
        ),
        (
            "u:accounts/any(a:a/status eq graph.x'active')",
            "'graph.x' is not the type microsoft.graph.accountStatus",
        ),
        ("u:displayName eq graph.accountStatus'active'", "does not compare with the enumeration graph.acc"),
        (
            "u:accounts/any(a:contains(a/status,'a'))",
            "'contains' takes Edm.String as its first argument, not 'a/s",
        ),
        (
            "c:contains(rank,'a')",
            "'contains' takes Edm.String as its first argument, not 'rank' of type Edm.Int32",
        ),
        ("c:contains(title,5)", "as its second argument, not the number 5, at character 16"),
        ("c:contains(title)", "'contains' takes 2 arguments, not 1, at character 1"),
        (
            "c:substring(title,1.5) eq 'a'",
            "'substring' takes Edm.Int64 as its second argument, not the number 1.5",
        ),
        ("c:substring(title) eq 'a'", "'substring' takes 2 or 3 arguments, not 1"),
        ("c:tolower(title,'a') eq 'a'", "'tolower' takes 1 argument, not 2"),
        ("c:hour(date(lastModifiedDateTime)) eq 1", "'hour' takes Edm.DateTimeOffset as its first argument"),
        (
            "c:year(2026-01-01T00:00:00+02:00) eq 2026",
            "'year' reads instants in UTC; write 2026-01-01T00:00:00+02:00 with Z, at character 6",
        ),
        (
            "c:contain(title,'a')",
            "There is no function 'contain', at character 1 of '$filter'. Did you mean 'contains'?",
        ),
        ("c:xyz() eq 1", "There is no function 'xyz', at character 1"),
        (
            "c:title add 1 eq 2",
            "'add' calculates with numbers, not with 'title' of type Edm.String, at character 1",
        ),
        ("c:-title eq 2", "'minus' calculates with numbers, not with 'title'"),
        ("s:controlScores/any(c:c/a.b eq 1)", "'a.b' is no name of a property, at character 23"),
    ],
)
def test_what_means_nothing_is_refused_with_its_place(text: str, message: str) -> None:
    name, _, asked = text.partition(":")
    with pytest.raises(BadRequest) as refusal:
        read(asked, SETS[name])
    assert refusal.value.target == "$filter"
    assert message in refusal.value.message


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("matchesPattern(title,'a')", "The function 'matchespattern' is not offered, at character 1"),
        ("round(maxScore) eq 1", "The function 'round' is not offered"),
        ("cast(rank,Edm.String) eq '1'", "'cast' of anything but a literal is not offered"),
        ("$root/x eq 1", "The segment '$root' is not offered, at character 1"),
        ("geo.distance(title,title) eq 1", "The function 'geo.distance' is not offered"),
        ("contains(threats,threats)", "'contains' of a collection is not offered, at character 10"),
        (
            "lastModifiedDateTime sub now() gt 0",
            "A calculation with dates or instants is not offered, at char",
        ),
        ("now() add 1 gt now()", "A calculation with dates or instants is not offered, at character 1"),
        ("threats eq threats", "A comparison of whole complex values or collections is not offered, at ch"),
        ("vendorInformation ne vendorInformation", "A comparison of whole complex values or collections"),
        ("complianceInformation/any(c:c/x eq complianceInformation)", "A comparison of whole complex values"),
        ("graph.secureScore/title eq 'a'", "The segment 'graph.secureScore' is not offered"),
        (
            "complianceInformation/any(c:c/microsoft.graph.x/name eq 'a')",
            "The segment 'microsoft.graph.x' is not offered, at character 31",
        ),
    ],
)
def test_what_odata_has_and_we_lack_says_so(text: str, what: str) -> None:
    with pytest.raises(NotImplementedFeature) as refusal:
        read(text)
    assert what in refusal.value.message
