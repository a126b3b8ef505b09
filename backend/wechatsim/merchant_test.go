package wechatsim

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func TestNewMerchant(t *testing.T) {
	t.Parallel()
	a, err := NewMerchant()
	if err != nil {
		t.Fatal(err)
	}
	for name, field := range map[string][2]string{
		"mchid":         {a.MchID, `^\d{10}$`},
		"appid":         {a.AppID, `^wx[0-9a-f]{16}$`},
		"serial":        {a.Serial, `^[0-9A-F]{40}$`},
		"api v3 key":    {a.APIv3Key, `^[0-9A-Za-z]{32}$`},
		"public key id": {a.PublicKeyID, `^PUB_KEY_ID_\d{30}$`},
		"private key":   {string(a.PrivateKeyPEM), `^-----BEGIN PRIVATE KEY-----\n`},
		"public key":    {string(a.PublicKeyPEM), `^-----BEGIN PUBLIC KEY-----\n`},
		"name":          {a.Name, `.`},
	} {
		if !regexp.MustCompile(field[1]).MatchString(field[0]) {
			t.Errorf("%s does not match %s", name, field[1])
		}
	}
	k, err := a.keys()
	if err != nil || k.wechat.N.BitLen() != 2048 || k.merchant.N.BitLen() != 2048 {
		t.Errorf("keys: %v", err)
	}
	b, err := sharedMerchant()
	if err != nil || a.MchID == b.MchID || a.Serial == b.Serial || a.APIv3Key == b.APIv3Key {
		t.Errorf("two merchants are alike: %v", err)
	}
}

func TestOpenMerchantKeepsIt(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "sim")
	first, err := OpenMerchant(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := OpenMerchant(dir)
	if err != nil || !reflect.DeepEqual(first, second) {
		t.Errorf("reopened %v: %v", second, err)
	}
	second.Name = `茶 "馆"`
	if err := second.Save(dir, "http://127.0.0.1:9090"); err != nil {
		t.Fatal(err)
	}
	third, err := OpenMerchant(dir)
	if err != nil || !reflect.DeepEqual(second, third) {
		t.Errorf("reopened after Save: %v", err)
	}
}

func TestSave(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "sim")
	m, err := sharedMerchant()
	if err != nil {
		t.Fatal(err)
	}
	named := *m
	named.Name = `茶 "馆" \ & Co`
	for range 2 { // a second start writes over the first
		if err := named.Save(dir, "http://127.0.0.1:9090"); err != nil {
			t.Fatal(err)
		}
	}
	wantMode(t, dir, 0o700|fs.ModeDir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		wantMode(t, filepath.Join(dir, e.Name()), 0o600)
	}
	if got := strings.Join(names, " "); got != "apiclient_key.pem merchant.toml pub_key.pem simulator.json" {
		t.Errorf("files %s", got)
	}
	if got := read(t, dir, "apiclient_key.pem"); got != string(m.PrivateKeyPEM) {
		t.Error("apiclient_key.pem is not the merchant's private key")
	}
	if got := read(t, dir, "pub_key.pem"); got != string(m.PublicKeyPEM) {
		t.Error("pub_key.pem is not WeChat Pay's public key")
	}
	config := read(t, dir, "merchant.toml")
	for _, want := range []string{
		"\n[[merchant]]\nid              = \"cafe\"\nname            = \"茶 \\\"馆\\\" \\\\ & Co\"\n",
		"\npublishable_key = \"pk_cafe\"\n", "\nsecret_key      = \"sk_", "\norigins         = []",
		"\n[merchant.wechat]\napi_url         = \"http://127.0.0.1:9090\"\n",
		"\nappid           = \"" + m.AppID + "\"\n", "\nmchid           = \"" + m.MchID + "\"\n",
		"\nserial          = \"" + m.Serial + "\"\n", "\napi_v3_key      = \"" + m.APIv3Key + "\"\n",
		"\nprivate_key     = \"file:" + dir + "/apiclient_key.pem\"\n",
		"\npublic_key_id   = \"" + m.PublicKeyID + "\"\n", "\npublic_key      = \"file:" + dir + "/pub_key.pem\"\n",
	} {
		if !strings.Contains(config, want) {
			t.Errorf("merchant.toml lacks %q:\n%s", want, config)
		}
	}
	if strings.Contains(config, "PRIVATE KEY-----") || !strings.Contains(config, "simulator.json") {
		t.Error("merchant.toml must name the simulator's own file and hold no key file")
	}
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil || info.Mode() != want {
		t.Errorf("%s has mode %v, want %v: %v", path, info.Mode(), want, err)
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOpenMerchantRefusesBrokenMemory(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"not JSON": "{", "no keys": "{}",
		"broken key": `{"wechatpay_private_key":"x"}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, stateFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenMerchant(dir); err == nil || !strings.Contains(err.Error(), stateFile) {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
		if got := read(t, dir, stateFile); got != text {
			t.Errorf("%s: the file was changed to %q", name, got)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenMerchant(file); err == nil {
		t.Error("a file is opened as a directory")
	}
	m, err := sharedMerchant()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(file, "http://127.0.0.1:9090"); err == nil {
		t.Error("saved into a file")
	}
}

func TestNewRefusals(t *testing.T) {
	t.Parallel()
	m, err := sharedMerchant()
	if err != nil {
		t.Fatal(err)
	}
	short, bare, broken := *m, *m, *m
	short.APIv3Key = "0123456789abcdef" // a length that AES takes and WeChat Pay does not
	bare.wechatKeyPEM = nil
	broken.PrivateKeyPEM = m.PublicKeyPEM
	for name, o := range map[string]Options{"short key": {Merchant: &short}, "literal": {Merchant: &bare},
		"wrong PEM": {Merchant: &broken}, "speed": {Merchant: m, Speed: -1}} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestZeroOptions(t *testing.T) {
	t.Parallel()
	sim, err := New(Options{})
	if err != nil || sim.Merchant() == nil || len(sim.Trades()) != 0 {
		t.Fatalf("simulator %v: %v", sim, err)
	}
	if err := sim.Close(); err != nil {
		t.Error(err)
	}
}
