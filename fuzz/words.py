"""The words that inputs are made of; libFuzzer puts them where it likes."""

_WORDS = (
    "eq ne gt ge lt le and or not in add sub mul div divby mod has any( all( $it $count null true false INF NaN "
    "startswith( endswith( contains( tolower( trim( length( indexof( substring( concat( year( date( now() "
    "id title rank maxScore threats vendorInformation/provider complianceInformation certificationControls "
    "controlScores score accounts status microsoft.graph. accountStatus 2026-01-01 T00:00:00Z +02:00 "
    "/v1.0 /beta /security /secureScores /secureScoreControlProfiles /userSecurityProfiles /$value /$count /delta "
    "%2F %27 %25 %0A %00 %ff ('') (id=' $filter= $orderby= $select= $top= $skip= $count= $format= $skiptoken= "
    "$deltatoken= @p= & ; GET POST PATCH DELETE PUT HEAD Accept: Prefer: If-Match: OData-MaxVersion: requests "
    "method url headers body dependsOn depends_on atomicityGroup Content-Type application/json odata.metadata= full "
    "none IEEE754Compatible=true @odata.type @odata.context @odata.nextLink @stanchion.placed \\ud800 \\u0000 1e309 "
    '-0 9223372036854775808 [ ] { } return=minimal maxpagesize= q=0 gzip zstd identity * W/" charset=utf-8 Bearer '
    "Basic alg RS256 none ES256 kid jwk x5c crit b64 iss aud tid appid sub exp nbf iat scp roles wids ver azp "
    "ours theirs {app} {kid} keys kty RSA EC crv P-256 use sig issuer jwks_uri client_id= client_secret= grant_type= "
    "client_credentials client_assertion= scope= .default claims= access_token xms_cc -----BEGIN -----END "
    "AdditionalProperties /Date( DateTime value Count Id secureScore profiles controlStateUpdates PK ustar "
    "port public_url STANCHION_PORT= database sqlite:/// https:// http:// localhost [::1] 127.0.0.1 , @ :443"
)
WORDS = tuple(_WORDS.split())
