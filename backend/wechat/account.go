package wechat

import (
	"cmp"
	"crypto/rsa"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// An Account is what we hold of one merchant's WeChat Pay account.
type Account struct {
	APIURL      string          // scheme and host of the API; the signature does not cover it
	AppID       string          // of the official account, mini program or app that is bound to MchID
	MchID       string          // 商户号; with SubMchID the service provider's (服务商), as are AppID and all keys
	SubMchID    string          // of a service provider's merchant (特约商户); empty for a direct one (直连商户)
	SubAppID    string          // bound to SubMchID; may be empty
	Serial      string          // of the merchant API certificate (商户API证书), 40 hex digits
	PrivateKey  *rsa.PrivateKey // apiclient_key.pem: signs our requests
	APIv3Key    string          // APIv3密钥, 32 characters: the AES key of callbacks
	PublicKeyID string          // PUB_KEY_ID_…; empty without PublicKey
	PublicKey   *rsa.PublicKey  // pub_key.pem, WeChat Pay's own (微信支付公钥): verifies answers and callbacks

	// PlatformCertificates says that platform certificates (微信支付平台证书) are taken beside the public key, while
	// WeChat Pay switches the merchant from them to it (doc 4012154180). Without a public key they always are.
	PlatformCertificates bool

	NotifyURL string // where payment callbacks go, complete

	// BackupURL is scheme and host of the API's other host, which takes over when that of APIURL cannot be
	// reached (doc 4012075113). It may be empty: then nothing does.
	BackupURL string

	// AppSecret of AppID, or of SubAppID if that is set, and scheme and host of the two parts of WeChat that tell a customer's openid: OpenURL is
	// where the browser goes, OAuthURL is called by us. They may be empty: then JSAPI cannot be offered.
	AppSecret string
	OAuthURL  string
	OpenURL   string

	// RefundNotifyURL is where refund callbacks go. It may be empty: then no refund can be composed.
	RefundNotifyURL string
}

// byCertificates reports whether WeChat Pay may sign with a platform certificate.
func (a Account) byCertificates() bool { return a.PublicKey == nil || a.PlatformCertificates }

// pageAppID is the appid whose pages customers see, and whose openids they have.
func (a Account) pageAppID() string { return cmp.Or(a.SubAppID, a.AppID) }

// The forms of an account's fields: doc 4012791877 (lengths), 4012365344 (serial), 4012068814 (API v3 key).
func (a Account) forms() []form {
	return []form{
		{"appid", a.AppID, `^[0-9A-Za-z]{1,32}$`, "must be the wx… id bound to the mchid, at most 32 letters and digits"},
		{"mchid", a.MchID, `^[0-9]{1,32}$`, "must be the merchant number (商户号), digits only"},
		{"sub_mchid", a.SubMchID, `^[0-9]{0,32}$`, "must be the number of the provider's merchant (特约商户号), digits only"},
		{"sub_appid", a.SubAppID, `^[0-9A-Za-z]{0,32}$`, "must be the wx… id bound to the sub_mchid, at most 32 letters and digits"},
		{"serial", a.Serial, `^[0-9A-Fa-f]{40}$`,
			"must be the serial number of the merchant API certificate, 40 hex digits without colons"},
		{"public_key_id", a.PublicKeyID, `^(PUB_KEY_ID_[0-9]+)?$`,
			"must be PUB_KEY_ID_ and digits, as shown beside the WeChat Pay public key (微信支付公钥)"},
	}
}

type form struct{ key, value, pattern, rule string }

// Check returns one line about the first field that cannot be right. It names the key of the configuration
// to mend, and repeats no value.
func (a Account) Check() error {
	for _, f := range a.forms() {
		if !regexp.MustCompile(f.pattern).MatchString(f.value) {
			return fmt.Errorf("%s %s", f.key, f.rule)
		}
	}
	switch {
	case a.SubMchID == "" && a.SubAppID != "":
		return fmt.Errorf("sub_appid is of a service provider's merchant (特约商户): sub_mchid is missing")
	case a.SubMchID == a.MchID:
		return fmt.Errorf("sub_mchid is the mchid; it must be the merchant's own number (特约商户号), and mchid its service provider's")
	}
	if err := a.checkKeys(); err != nil {
		return err
	}
	if _, err := parseAPIURL(a.APIURL); err != nil {
		return fmt.Errorf("api_url %w", err)
	}
	if _, err := parseAPIURL(a.BackupURL); a.BackupURL != "" && err != nil {
		return fmt.Errorf("backup_url %w", err)
	}
	if err := a.checkOAuth(); err != nil {
		return err
	}
	if err := checkNotifyURL(a.NotifyURL); err != nil {
		return fmt.Errorf("public_url gives a notify_url that %w", err)
	}
	if a.RefundNotifyURL == "" {
		return nil
	}
	if err := checkNotifyURL(a.RefundNotifyURL); err != nil {
		return fmt.Errorf("public_url gives a notify_url of refunds that %w", err)
	}
	return nil
}

// checkOAuth checks what JSAPI needs, if it is there.
func (a Account) checkOAuth() error {
	if a.AppSecret == "" {
		return nil
	}
	if !regexp.MustCompile(`^[0-9A-Za-z]{1,128}$`).MatchString(a.AppSecret) {
		return fmt.Errorf("app_secret must be the AppSecret of the appid, letters and digits only")
	}
	if _, err := parseAPIURL(a.OAuthURL); err != nil {
		return fmt.Errorf("oauth_url must be like https://api.weixin.qq.com, a scheme and a host only")
	}
	if _, err := parseAPIURL(a.OpenURL); err != nil {
		return fmt.Errorf("open_url must be like https://open.weixin.qq.com, a scheme and a host only")
	}
	return nil
}

func (a Account) checkKeys() error {
	// The SDK would take 16 and 24 bytes too; WeChat Pay has 32 only, and a wrong key shows first when a
	// customer has paid.
	if !regexp.MustCompile(`^[0-9A-Za-z]{32}$`).MatchString(a.APIv3Key) {
		return fmt.Errorf("api_v3_key must be exactly 32 letters and digits, but is %d bytes", len(a.APIv3Key))
	}
	switch {
	case a.PrivateKey == nil:
		return fmt.Errorf("private_key is missing")
	case a.PublicKey == nil && a.PublicKeyID != "":
		return fmt.Errorf("public_key is missing: public_key_id names it")
	case a.PublicKey != nil && a.PublicKeyID == "":
		return fmt.Errorf("public_key_id is missing: it is shown beside the WeChat Pay public key (微信支付公钥), PUB_KEY_ID_ and digits")
	case a.PublicKey != nil && a.PublicKey.Equal(a.PrivateKey.Public()):
		return fmt.Errorf("public_key is the merchant's own; it must be WeChat Pay's pub_key.pem")
	}
	return nil
}

// parseAPIURL takes scheme and host only: the path of a request is signed, so nothing may be put before it.
func parseAPIURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("must be like https://api.mch.weixin.qq.com")
	case strings.Trim(u.Path, "/") != "" || u.User != nil || strings.ContainsAny(text, "?#"):
		return nil, fmt.Errorf("must be a scheme and a host only, like https://api.mch.weixin.qq.com")
	}
	return u, nil
}

// checkNotifyURL holds what can be seen without asking WeChat Pay (doc 4012075420). It wants a public host
// too, which a simulator does not.
func checkNotifyURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("does not start with https:// or http:// and a host")
	case strings.ContainsAny(text, "?#") || u.User != nil:
		return fmt.Errorf("has a query, a fragment or a user, which WeChat Pay refuses")
	case len(text) > 255:
		return fmt.Errorf("is longer than 255 characters")
	}
	return nil
}
