"""What fuzzing starts from: good input of each kind, and the words that it is made of."""

from collections.abc import Mapping, Sequence

FILTERS = (
    "controlCategory eq 'Identity' and maxScore ge 5",
    "not (rank add 1 mul -2 ge length(tolower(title))) or lastModifiedDateTime in (2026-01-01T00:00:00+02:00,null)",
    "complianceInformation/any(c:c/certificationControls/all(d:d/extra/deep gt 5 and contains(d/name,'x')))",
    "threats/$count gt 1 and substring(title,1,2) eq concat('a',trim(@p)) and date(lastModifiedDateTime) lt now()",
    "controlScores/any(c:c/on eq 'true' and c/scoreInPercentage divby 2 lt 1e3) and 'x' in enabledServices",
    "accounts/any(a:a/status eq microsoft.graph.accountStatus'active' or a/status eq '2')",
)
URLS = (
    "/v1.0/security/secureScores",
    "/beta/security/userSecurityProfiles('a%27%27b')",
    "/v1.0//Security/secureScoreControlProfiles/a%2Fb/",
    "/v1.0/security/secureScoreControlProfiles/MFA.v2/vendorInformation/provider/$value",
    "/v1.0/security/secureScores/$count",
    "/v1.0/security/secureScores/microsoft.graph.delta()",
    "/v1.0/security/secureScores(id='a')/microsoft.graph.secureScore/controlScores/$count",
    "/beta/$batch",
    "/v1.0/$metadata",
)
QUERIES = (
    "$top=5&$skip=1&$count=true&$orderby=controlCategory desc,vendorInformation/provider&$select=id,title",
    "%24filter=maxScore+gt+@p&@p=5&$format=application/json;odata.metadata=full",
    "$select=vendorInformation/provider,controlScores($select=score),*&top=0",
    "$skiptoken=AAAA&$deltatoken=latest&$expand=x&$search=y&$schemaversion=*",
)
BATCHES = (
    (
        '{"requests":[{"id":"1","method":"GET","url":"/security/secureScores?$top=1"},'
        '{"id":2,"method":"PATCH","url":"security/secureScoreControlProfiles/a","dependsOn":["1"],'
        '"headers":{"Content-Type":"application/json"},"body":{"state":"Ignored"}}]}'
    ),
    (
        '{"requests":[{"id":"a","method":"POST","url":"http://127.0.0.1:8080/beta/security/secureScores",'
        '"headers":{"content-type":"application/json"},"body":"eyJpZCI6ImEifQ","depends_on":[]}]}'
    ),
)
BODIES = (
    '{"state":"Ignored","comment":"why \\u00e9","vendorInformation":{"vendor":"Microsoft","provider":"SecureScore"}}',
    '{"id":"a","createdDateTime":"2026-01-31T00:00:00Z","currentScore":1e2,"controlScores":[{"on":"true"}]}',
    '{"accounts":[{"status":"active"}],"tags":[],"@odata.type":"#microsoft.graph.userSecurityProfile"}',
)
# A method, a path with its query, a header and a body, parted as the target `request` parts them.
REQUESTS = tuple(
    "\x00".join(parts)
    for parts in (
        *(("GET", f"{url}?{query}", "Accept: application/json", "") for url in URLS for query in QUERIES[:2]),
        *(
            ("GET", f"/v1.0/security/secureScoreControlProfiles?$filter={text}", "Prefer: maxpagesize=3", "")
            for text in FILTERS
        ),
        *(
            ("PATCH", "/v1.0/security/secureScoreControlProfiles/a", "If-Match: *", body)
            for body in BODIES[:1]
        ),
        *(("POST", "/v1.0/security/secureScores", "Prefer: return=minimal", body) for body in BODIES[1:2]),
        *(
            ("POST", "/beta/security/userSecurityProfiles", "OData-Version: 4.01", body)
            for body in BODIES[2:]
        ),
        *(("POST", "/v1.0/$batch", "Content-Type: application/json", body) for body in BATCHES),
    )
)

SEEDS: Mapping[str, Sequence[str]] = {
    "filter": FILTERS,
    "url": URLS,
    "options": QUERIES,
    "batch": BATCHES,
    "json": (*BODIES, *BATCHES),
    "request": REQUESTS,
}
_WORDS = (
    "eq ne gt ge lt le and or not in add sub mul div divby mod has any( all( $it $count null true false INF NaN "
    "startswith( endswith( contains( tolower( trim( length( indexof( substring( concat( year( date( now() "
    "id title rank maxScore threats vendorInformation/provider complianceInformation certificationControls "
    "controlScores score accounts status microsoft.graph. accountStatus 2026-01-01 T00:00:00Z +02:00 "
    "/v1.0 /beta /security /secureScores /secureScoreControlProfiles /userSecurityProfiles /$value /$count /delta "
    "%2F %27 %25 %0A %00 %ff ('') (id=' $filter= $orderby= $select= $top= $skip= $count= $format= $skiptoken= "
    "$deltatoken= @p= & ; GET POST PATCH DELETE PUT HEAD Accept: Prefer: If-Match: OData-MaxVersion: requests "
    "method url headers body dependsOn depends_on atomicityGroup Content-Type application/json odata.metadata= full "
    "none IEEE754Compatible=true @odata.type \\ud800 \\u0000 1e309 -0 9223372036854775808 [ ] { }"
)
WORDS = tuple(_WORDS.split())
