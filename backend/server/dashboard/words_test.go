package dashboard

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"saoma/backend/pay"
)

// Every text that a page may say is there in Chinese, and every word that the code has a name for in both languages.
func TestEveryTextIsTranslated(t *testing.T) {
	t.Parallel()
	want := make(map[string]string) // text → where
	find := func(name, source string, patterns ...string) {
		for _, p := range patterns {
			for _, m := range regexp.MustCompile(p).FindAllStringSubmatch(source, -1) {
				want[m[1]] = name
			}
		}
	}
	pages, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pages {
		b, err := pageFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		find(name, string(b), `\bt "([^"]+)"`)
	}
	sources, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		find(name, string(b), `q\.(?:done|failed)\([^;]*?"([A-Z%][^"]+)"`, `Text: *"([^"]+)"`, `Wrong\w* = "([^"]+)"`,
			`add\("([A-Za-z_ ]+)", `, `navItem\{"[a-z]+", "([^"]+)"`, `{"[a-z]+", "([A-Z][^"]+)", "`, `changeMember\(q, "([^"]+)"`)
	}
	for _, text := range eventTexts {
		want[text.text] = "an event"
	}
	for text, where := range want {
		if chinese[text] == "" {
			t.Errorf("%s: there is no Chinese for %q", where, text)
		}
	}
	for _, words := range []map[string]string{chinese, english} {
		check := func(kind, name string) {
			if words[kind+" "+name] == "" {
				t.Errorf("there is no word for %s %s", kind, name)
			}
		}
		for _, s := range pay.States() {
			check("state", string(s))
		}
		for _, s := range pay.RefundStates() {
			check("refund state", string(s))
		}
		for _, r := range pay.Roles() {
			check("role", string(r))
			check("role does", string(r))
		}
		for _, a := range pay.Actions() {
			check("action", string(a))
		}
		for _, s := range []pay.Source{pay.FromCallback, pay.FromQuery, pay.FromBill} {
			check("source", string(s))
		}
		for _, c := range []pay.Channel{pay.Native, pay.JSAPI, pay.H5} {
			check("channel", string(c))
		}
	}
}

// A placeholder that is lost in translation loses what it stands for.
func TestTranslationsKeepPlaceholders(t *testing.T) {
	t.Parallel()
	for text, translated := range chinese {
		for _, mark := range []string{"%s", "#"} {
			if strings.Count(text, mark) != strings.Count(translated, mark) {
				t.Errorf("%q has other places than %q", translated, text)
			}
		}
	}
}

func TestParseYuan(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]pay.Fen{
		"12": 1200, "12.5": 1250, "12.50": 1250, "0.01": 1, " ¥1,234.50 ": 123450, "１２．５０": 1250, "￥８": 800, "9元": 900,
		"0.29": 29, "1,234,567.89": 123456789, "007": 700,
	} {
		if got, err := parseYuan(typed); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", typed, got, err, want)
		}
	}
	for _, typed := range []string{"", "-1", "+1", "1e3", "0x1", "12.505", ".5", "5.", "1,5", "1 2", "1_0", "12..5", "abc", "NaN",
		"1,23,456", "12,", ",12", "99999999999999999999", "1.-5"} {
		if got, err := parseYuan(typed); err == nil {
			t.Errorf("%q is %d; want an error", typed, got)
		}
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	a := NewArgon2id()
	hash, err := a.Hash("correct horse")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%q, %v", hash, err)
	}
	if !a.Verify(hash, "correct horse") || a.Verify(hash, "Correct horse") || a.Verify("", "correct horse") || a.Verify("$argon2id$", "") {
		t.Error("a password is taken for another")
	}
	// By the command argon2 of the reference implementation: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 24
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if !a.Verify(reference, "password") {
		t.Error("the reference implementation's hash is not understood")
	}
	seen := make(map[string]bool)
	for range 50 {
		p := NewPassword()
		if seen[p] || len(p) != 19 {
			t.Errorf("the password %q", p)
		}
		seen[p] = true
	}
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/dashboard/orders?q=7": "/dashboard/orders?q=7", "": Prefix, "https://evil.example/dashboard/": Prefix, "//evil.example": Prefix,
		"/dashboard/../v1": Prefix, `/dashboard/\evil`: Prefix, "/v1/orders": Prefix, "javascript:alert(1)": Prefix, "/dashboard/%2e%2e/x": Prefix,
	} {
		if got := localPath(next); got != want {
			t.Errorf("%q leads to %q; want %q", next, got, want)
		}
	}
}
