# Reads what UCX, direct-bench and scale have printed, in this order, and prints each aim beside what was measured.

function verdict(name, value, aim, wants_more) {
	met = wants_more ? value >= aim : value <= aim
	printf "%-58s %8.2f  %s %-5s %s\n", name, value, wants_more ? ">=" : "<=", aim, met ? "met" : "missed"
}

FILENAME ~ /ucx$/ && $1 == "tag_lat" { tag[$2] = $3; next }

/^a cache line/ { line = $6 }
/^SEND, one way/ { part = "send"; next }
/^SEND of 8 bytes:/ { verdict("SEND of 8 B, million a second", $5, 5, 1); part = "" }
/^heap|^verbena_alloc/ { part = $0; next }
FILENAME ~ /many$/ { part = "" }

part == "send" && $1 ~ /^[0-9]+$/ {
	if ($1 == 8) printf "%-58s %8.2f\n", "SEND of 8 B, in cache lines one way", $2 * 1000 / line
	if (!($1 in tag)) next
	if ($1 == 8) verdict("SEND of 8 B / UCX tag_lat", $2 / tag[$1], 1.3, 0)
	else if ($1 >= 65536) verdict("SEND of " $1 " B / UCX tag_lat", $2 / tag[$1], 1, 0)
	else printf "%-58s %8.2f\n", "SEND of " $1 " B / UCX tag_lat", $2 / tag[$1]
}
part ~ /^heap/ && $1 ~ /^[0-9]+$/ {
	verdict("WRITE of " $1 " B / raw call, " part, $4, 1.1, 0)
	verdict("READ of " $1 " B / raw call, " part, $7, 1.1, 0)
}
part ~ /^verbena_alloc/ && $1 == 8 {
	verdict("WRITE of 8 B / cache line one way, " part, $3 * 1000 / line, 2, 0)
	verdict("READ of 8 B / cache line one way, " part, $6 * 1000 / line, 2, 0)
}
part ~ /^verbena_alloc/ && $1 ~ /^[0-9]+$/ && $1 >= 65536 {
	verdict("WRITE of " $1 " B, bandwidth / memcpy, " part, 1 / $4, 0.9, 1)
	verdict("READ of " $1 " B, bandwidth / memcpy, " part, 1 / $7, 0.9, 1)
}
/SEND of 8 B, one way/ { verdict("SEND of 8 B, 10 busy of 1000 queue pairs / 10 alone", $NF, 1.2, 0) }
/WRITE of 8 B to heap/ { verdict("WRITE of 8 B, 10 busy of 1000 queue pairs / 10 alone", $NF, 1.2, 0) }
