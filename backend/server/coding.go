package server

import (
	"strconv"
	"strings"
)

// codings are the content codings that we have, the smallest first.
var codings = [...]string{"br", "gzip", "identity"}

// bestCoding chooses among the forms of a file by an Accept-Encoding header (RFC 9110, 12.5.3): the one with
// the highest weight, and of several the smallest. When everything is refused, the plain form is sent all the
// same: a browser can do more with it than with 406.
func bestCoding[V any](accept string, forms map[string]V) string {
	weights := codingWeights(accept)
	best, most := "identity", 0.0
	for _, coding := range codings {
		if _, ok := forms[coding]; !ok {
			continue
		}
		weight, named := weights[coding]
		if !named {
			weight, named = weights["*"]
		}
		if !named && coding == "identity" {
			weight = 0.0001 // acceptable unless refused, but what is named is preferred
		}
		if weight > most {
			best, most = coding, weight
		}
	}
	return best
}

// codingWeights reads "br;q=1.0, gzip;q=0.5, *;q=0". A weight that cannot be read counts as a refusal.
func codingWeights(accept string) map[string]float64 {
	weights := make(map[string]float64)
	for entry := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(entry, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "x-gzip" { // an old name of the same (RFC 9110, 8.4.1.3)
			name = "gzip"
		}
		weight := 1.0
		for p := range strings.SplitSeq(parameters, ";") {
			key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			if strings.EqualFold(strings.TrimSpace(key), "q") {
				weight, _ = strconv.ParseFloat(strings.TrimSpace(value), 64)
			}
		}
		if name != "" && weight >= 0 && weight <= 1 {
			weights[name] = weight
		}
	}
	return weights
}
