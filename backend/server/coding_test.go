package server

import "testing"

func TestBestCoding(t *testing.T) {
	t.Parallel()
	all := map[string]bool{"br": true, "gzip": true, "identity": true}
	for accept, want := range map[string]string{
		"":                               "identity",
		"gzip, deflate, br, zstd":        "br",
		"gzip, deflate":                  "gzip",
		"GZIP":                           "gzip",
		"x-gzip":                         "gzip",
		"deflate":                        "identity",
		"br;q=0.5, gzip":                 "gzip",
		"br;q=0.5, gzip;q=0.5":           "br",
		"gzip;q=0.001":                   "gzip",
		"br;q=0":                         "identity",
		"br;q=0, gzip;q=0.0":             "identity",
		"br; q=0 , gzip ; q=1":           "gzip",
		"*":                              "br",
		"*;q=0":                          "identity",
		"br;q=0, *":                      "gzip",
		"*;q=0, gzip":                    "gzip",
		"identity":                       "identity",
		"identity;q=0.5, gzip;q=0.2":     "identity",
		"identity;q=0, gzip;q=0.1":       "gzip",
		"br;q=x, gzip":                   "gzip",
		"br;q=2, gzip":                   "gzip",
		"br;q=-1, gzip":                  "gzip",
		"br;q=NaN, gzip":                 "gzip",
		"brotli, gzippy":                 "identity",
		",;,=;q=,":                       "identity",
		"gzip;level=9;q=0.2, br ;q=0.10": "gzip",
	} {
		if got := bestCoding(accept, all); got != want {
			t.Errorf("%q: %s; want %s", accept, got, want)
		}
	}
	if got := bestCoding("br, gzip", map[string]bool{"gzip": true, "identity": true}); got != "gzip" {
		t.Errorf("without brotli: %s", got)
	}
	if got := bestCoding("br, gzip", map[string]bool{"identity": true}); got != "identity" {
		t.Errorf("uncompressed: %s", got)
	}
}
