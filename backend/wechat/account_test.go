package wechat

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"saoma/backend/pay"
)

func TestAccountCheck(t *testing.T) {
	t.Parallel()
	if err := testAccount().Check(); err != nil {
		t.Fatalf("a good account: %v", err)
	}
	for name, test := range map[string]struct {
		change func(a *Account)
		key    string // of the configuration, first in the text
	}{
		"no appid":             {func(a *Account) { a.AppID = "" }, "appid"},
		"appid in quotes":      {func(a *Account) { a.AppID = `"wx1"` }, "appid"},
		"no mchid":             {func(a *Account) { a.MchID = "" }, "mchid"},
		"mchid with letters":   {func(a *Account) { a.MchID = "mch1900007291" }, "mchid"},
		"serial with colons":   {func(a *Account) { a.Serial = strings.Repeat("5A:", 13) + "5" }, "serial"},
		"serial of public key": {func(a *Account) { a.Serial = keyID }, "serial"},
		"serial with newline":  {func(a *Account) { a.Serial += "\n" }, "serial"},
		"no private key":       {func(a *Account) { a.PrivateKey = nil }, "private_key"},
		"16 bytes":             {func(a *Account) { a.APIv3Key = apiV3Key[:16] }, "api_v3_key"},
		"24 bytes":             {func(a *Account) { a.APIv3Key = apiV3Key[:24] }, "api_v3_key"},
		"33 bytes":             {func(a *Account) { a.APIv3Key = apiV3Key + "x" }, "api_v3_key"},
		"key with a dash":      {func(a *Account) { a.APIv3Key = "-" + apiV3Key[1:] }, "api_v3_key"},
		"key with newline":     {func(a *Account) { a.APIv3Key = apiV3Key[1:] + "\n" }, "api_v3_key"},
		"certificate serial":   {func(a *Account) { a.PublicKeyID = strings.Repeat("5A", 20) }, "public_key_id"},
		"only the prefix":      {func(a *Account) { a.PublicKeyID = "PUB_KEY_ID_" }, "public_key_id"},
		"no public key":        {func(a *Account) { a.PublicKey = nil }, "public_key"},
		"own public key":       {func(a *Account) { a.PublicKey = &a.PrivateKey.PublicKey }, "public_key"},
		"no api_url":           {func(a *Account) { a.APIURL = "" }, "api_url"},
		"api_url without //":   {func(a *Account) { a.APIURL = "api.mch.weixin.qq.com" }, "api_url"},
		"api_url with path":    {func(a *Account) { a.APIURL += "/v3" }, "api_url"},
		"api_url with query":   {func(a *Account) { a.APIURL += "/?x=1" }, "api_url"},
		"api_url with user":    {func(a *Account) { a.APIURL = "https://a:b@api.example" }, "api_url"},
		"api_url of ftp":       {func(a *Account) { a.APIURL = "ftp://api.example" }, "api_url"},
		"notify_url relative":  {func(a *Account) { a.NotifyURL = "/notify/cafe/payment" }, "public_url"},
		"notify_url query":     {func(a *Account) { a.NotifyURL += "?m=cafe" }, "public_url"},
		"notify_url empty ?":   {func(a *Account) { a.NotifyURL += "?" }, "public_url"},
		"notify_url too long":  {func(a *Account) { a.NotifyURL += strings.Repeat("x", 255) }, "public_url"},
		"refunds' relative":    {func(a *Account) { a.RefundNotifyURL = "/notify/cafe/refund" }, "public_url"},
		"refunds' query":       {func(a *Account) { a.RefundNotifyURL += "?m=cafe" }, "public_url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := testAccount()
			test.change(&a)
			err := a.Check()
			if err == nil {
				t.Fatal("accepted")
			}
			wantSafe(t, err)
			if key, _, _ := strings.Cut(err.Error(), " "); key != test.key {
				t.Errorf("%q, want %s named first", err, test.key)
			}
			_, err = New(map[pay.MerchantID]Account{cafe: a}, Options{})
			if err == nil || !strings.Contains(err.Error(), `"cafe"`) {
				t.Errorf("New: %v, want an error that names the merchant", err)
			}
		})
	}
}

func encodePEM(kind string, der []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkcs8(key any) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return encodePEM("PRIVATE KEY", der, err)
}

func pkix(key any) []byte {
	der, err := x509.MarshalPKIXPublicKey(key)
	return encodePEM("PUBLIC KEY", der, err)
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	ours := keys().ours
	good, public := pkcs8(ours), pkix(&ours.PublicKey)
	for name, text := range map[string][]byte{
		"as it is":   good,
		"of Windows": []byte("\xef\xbb\xbf" + strings.ReplaceAll(string(good), "\n", "\r\n")),
		"indented":   []byte("\n  \n" + string(good) + "\n\n"),
	} {
		if got, err := ParsePrivateKey(text); err != nil || !got.Equal(ours) {
			t.Errorf("%s: %v, want our key", name, err)
		}
	}
	if got, err := ParsePublicKey(public); err != nil || !got.Equal(&ours.PublicKey) {
		t.Errorf("public key: %v, want ours", err)
	}
}

func TestParseKeysExplains(t *testing.T) {
	t.Parallel()
	ours := keys().ours
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	good, public := pkcs8(ours), pkix(&ours.PublicKey)
	pkcs1 := encodePEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(ours), nil)
	publicPKCS1 := encodePEM("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&ours.PublicKey), nil)
	certificate := encodePEM("CERTIFICATE", []byte("x"), nil)
	private := func(text []byte) error { _, err := ParsePrivateKey(text); return err }
	publicly := func(text []byte) error { _, err := ParsePublicKey(text); return err }
	for name, test := range map[string]struct {
		parse func([]byte) error
		text  []byte
		want  string
	}{
		"PKCS#1":              {private, pkcs1, "openssl pkcs8 -topk8 -nocrypt"},
		"encrypted":           {private, encodePEM("ENCRYPTED PRIVATE KEY", []byte("x"), nil), "openssl pkcs8 -in"},
		"certificate":         {private, certificate, "apiclient_cert.pem"},
		"public":              {private, public, "this is a public key"},
		"other PEM":           {private, encodePEM("DH PARAMETERS", []byte("x"), nil), "DH PARAMETERS"},
		"damaged":             {private, encodePEM("PRIVATE KEY", []byte("x"), nil), "damaged"},
		"not RSA":             {private, pkcs8(ec), "not an RSA key"},
		"small":               {private, pkcs8(small), "1024 bits"},
		"empty":               {private, []byte(" \n"), "is empty"},
		"no PEM":              {private, []byte("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"), "BEGIN"},
		".p12":                {private, []byte("0\x82\x0a\x7e\x02\x01\x03"), "apiclient_cert.p12"},
		"line breaks lost":    {private, []byte(strings.ReplaceAll(string(good), "\n", " ")), "line breaks"},
		`line breaks as \n`:   {private, []byte(strings.ReplaceAll(string(good), "\n", `\n`)), "line breaks"},
		"cut":                 {private, good[:len(good)/2], "a part of it"},
		"public: PKCS#1":      {publicly, publicPKCS1, "openssl rsa"},
		"public: certificate": {publicly, certificate, "API安全"},
		"public: private":     {publicly, good, "this is a private key"},
		"public: other PEM":   {publicly, encodePEM("DH PARAMETERS", []byte("x"), nil), "pub_key.pem"},
		"public: damaged":     {publicly, encodePEM("PUBLIC KEY", []byte("x"), nil), "damaged"},
		"public: not RSA":     {publicly, pkix(&ec.PublicKey), "not an RSA key"},
		"public: small":       {publicly, pkix(&small.PublicKey), "1024 bits"},
		"public: empty":       {publicly, nil, "pub_key.pem"},
	} {
		err := test.parse(test.text)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		text := err.Error()
		if !strings.Contains(text, test.want) || strings.Contains(text, "\n") || len(text) > 200 {
			t.Errorf("%s: %q, want one line with %q", name, text, test.want)
		}
		if strings.Contains(text, "MIIE") {
			t.Errorf("%s: the error shows the key: %q", name, text)
		}
	}
}
