#!/bin/sh
# Writes wire.json to standard output, with openssl and GNU date only:  sh make_wire.sh > wire.json
set -eu
LC_ALL=C
export LC_ALL

sep=''

json_text() { # escape for a JSON string; bodies and keys hold no control characters
    printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g'
}

vector() { # name, epoch milliseconds, zone, secret key, body
    seconds=$(($2 / 1000))
    millis=$(printf '%03d' $(($2 % 1000)))
    case $3 in
        KST) tz=KST-9 ;; # POSIX sign: nine hours east
        UTC) tz=UTC0 ;;
    esac
    tran_time=$(TZ=$tz date -d "@$seconds" +%Y%m%d%H%M%S)
    prefix=$(TZ=$tz date -d "@$seconds" +%y%m%d%H%M%S)
    mac=$(printf %s "$5" | openssl dgst -sha256 -hmac "$4" -binary | openssl base64 -A)
    printf '%s\n    {\n' "$sep"
    printf '      "name": "%s",\n      "epoch_ms": %s,\n      "zone": "%s",\n' "$1" "$2" "$3"
    printf '      "secret_key": "%s",\n' "$(json_text "$4")"
    printf '      "body": "%s",\n' "$(json_text "$5")"
    printf '      "tran_time": "%s",\n' "$tran_time"
    printf '      "token_time": "%s",\n' "$tran_time$millis"
    printf '      "tran_token": "KMV1:%s:%s",\n' "$tran_time$millis" "$mac"
    printf '      "correlation_prefix": "%s"\n    }' "$prefix"
    sep=','
}

secret='s3cr3t-Key_for.vectors/only+0123456789=='
# The shape of a sealed body; the parts after the header are invented and open with no key.
header='eyJlbmMiOiJBMTI4R0NNIiwiYWxnIjoiUlNBLU9BRVAtMjU2In0'
envelope="{\"encData\":\"$header.c2VhbGVkLWtleQ.AAECAwQFBgcICQoL.Y2lwaGVydGV4dA.EBESExQVFhcYGRobHB0eHw\"}"

printf '{\n  "made_by": "make_wire.sh: openssl dgst and GNU date",\n  "cases": ['
vector card-clear-kst 1667876894608 KST "$secret" '{"cardNo":"9491339400001234"}'
vector card-clear-utc 1667876894608 UTC "$secret" '{"cardNo":"9491339400001234"}'
vector envelope-kst 1718000000123 KST "$secret" "$envelope"
vector envelope-utc 1718000000123 UTC "$secret" "$envelope"
vector korean-body-kst 1741230000042 KST "$secret" '{"userName":"홍길동","memo":"카드 조회 ✓ 🙂"}'
vector escapes-and-spaces-kst 1741230000999 KST "$secret" '{ "text" : "a\"b\\c \ud64d" }'
vector new-year-in-seoul-kst 1735657200000 KST "$secret" '{"userId":1}'
vector new-year-in-seoul-utc 1735657200000 UTC "$secret" '{"userId":1}'
vector last-old-year-ms-kst 1735657199999 KST "$secret" '{"userId":1}'
vector last-old-year-ms-utc 1735689599999 UTC "$secret" '{"userId":1}'
vector new-year-in-utc-kst 1735689600000 KST "$secret" '{"userId":1}'
vector leap-day-in-seoul-kst 1709132400007 KST "$secret" '{"userId":9999999999999999999}'
vector leap-day-in-seoul-utc 1709132400007 UTC "$secret" '{"userId":9999999999999999999}'
vector secret-is-text-not-hex 1718000000001 KST '00112233445566778899aabbccddeeff' '{}'
vector secret-not-ascii 1718000000010 KST '비밀-key' '{}'
vector secret-longer-than-a-block 1718000000100 KST "$secret$secret" '{}'
printf '\n  ],\n  "shape_only": ["KMV1:20221108120814608:uLD+mU8mz9K95neGiSJTSsF3zzAQJglCggZAOSs5Fkg="]\n}\n'
