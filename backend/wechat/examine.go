package wechat

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"saoma/backend/pay"
)

// CheckPrivateKey looks at the text of apiclient_key.pem.
func CheckPrivateKey(text string) (pay.Check, *rsa.PrivateKey) {
	key, err := ParsePrivateKey([]byte(text))
	if err != nil {
		return broken("private key", err), nil
	}
	return pay.Check{Name: "private key", Result: pay.CheckOK, Found: fmt.Sprintf("RSA, %d bits, PKCS#8", key.N.BitLen())}, key
}

// CheckPublicKey looks at the text of pub_key.pem, which may be missing: then WeChat Pay signs with platform certificates.
// private, which may be nil, is the merchant's own.
func CheckPublicKey(text, id string, private *rsa.PrivateKey) (pay.Check, *rsa.PublicKey) {
	switch {
	case text == "" && id == "":
		return pay.Check{Name: "public key", Result: pay.CheckOK,
			Found: "none: WeChat Pay signs with platform certificates (微信支付平台证书)"}, nil
	case text == "":
		return broken("public key", errors.New("it is missing; set public_key to the pub_key.pem that public_key_id names")), nil
	case id == "":
		return broken("public key", errors.New("public_key_id is missing; set it to what stands beside the key, PUB_KEY_ID_ and digits")), nil
	}
	key, err := ParsePublicKey([]byte(text))
	if err == nil && private != nil && key.Equal(private.Public()) {
		err = errors.New("this is the merchant's own key; choose WeChat Pay's pub_key.pem (商户平台 → API安全 → 微信支付公钥)")
	}
	if err != nil {
		return broken("public key", err), nil
	}
	return pay.Check{Name: "public key", Result: pay.CheckOK, Found: fmt.Sprintf("RSA, %d bits", key.N.BitLen())}, key
}

// broken takes an error of the form "what was found; what to do" apart.
func broken(name string, err error) pay.Check {
	found, todo, _ := strings.Cut(err.Error(), "; ")
	return pay.Check{Name: name, Result: pay.CheckBroken, Found: found, Todo: todo}
}

// CheckAPIv3Key looks at the form of an API v3 key.
func CheckAPIv3Key(key string) pay.Check {
	c := pay.Check{Name: "API v3 key", Result: pay.CheckOK, Found: "32 letters and digits"}
	if !regexp.MustCompile(`^[0-9A-Za-z]{32}$`).MatchString(key) {
		c.Result, c.Found = pay.CheckBroken, fmt.Sprintf("%d bytes", len(key))
		if len(key) == 32 {
			c.Found = "32 bytes, but not all of them letters and digits"
		}
		c.Todo = "copy the APIv3 key (APIv3密钥) from where you keep it: exactly 32 letters and digits; who has lost it sets a new one in " +
			"商户平台 → API安全"
	}
	return c
}

// CheckNumbers looks at the form of what the account is called at WeChat Pay.
func (a Account) CheckNumbers() (checks []pay.Check) {
	for _, f := range a.forms() {
		if !regexp.MustCompile(f.pattern).MatchString(f.value) {
			found := "it has another form"
			if f.value == "" {
				found = "it is missing"
			}
			checks = append(checks, pay.Check{Name: f.key, Result: pay.CheckBroken, Found: found, Todo: f.key + " " + f.rule})
		}
	}
	if checks == nil {
		found := fmt.Sprintf("mchid %s, appid %s", a.MchID, a.AppID)
		if a.SubMchID != "" {
			found = fmt.Sprintf("sub_mchid %s of the service provider with mchid %s, appid %s", a.SubMchID, a.MchID, a.AppID)
		}
		return []pay.Check{{Name: "numbers", Result: pay.CheckOK, Found: found}}
	}
	return checks
}

// certificateSoon is how long before its end an operator is told of it. WeChat Pay's certificates live five years.
const certificateSoon = 30 * 24 * time.Hour

// CheckCertificate looks at the text of apiclient_cert.pem: whether it is of this private key, serial and mchid, and
// lasts. private may be nil.
func CheckCertificate(text []byte, private *rsa.PrivateKey, serial, mchID string, now time.Time) pay.Check {
	c := pay.Check{Name: "certificate", Result: pay.CheckBroken}
	block, err := decodePEM(text, "apiclient_cert.pem")
	if err != nil {
		return broken(c.Name, err)
	}
	if block.Type != "CERTIFICATE" {
		c.Found, c.Todo = fmt.Sprintf("apiclient_cert.pem holds a PEM of kind %.40q", block.Type), "put apiclient_cert.pem in its place"
		return c
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		c.Found, c.Todo = "apiclient_cert.pem is damaged inside", "take it from its backup"
		return c
	}
	public, _ := cert.PublicKey.(*rsa.PublicKey)
	number := fmt.Sprintf("%040X", cert.SerialNumber)
	days := int(cert.NotAfter.Sub(now).Hours() / 24)
	c.Found = "serial " + number
	switch {
	case private != nil && (public == nil || !public.Equal(private.Public())):
		c.Found, c.Todo = "it is not of this private key", "take private_key and apiclient_cert.pem from one and the same download"
	case !strings.EqualFold(number, serial):
		c.Todo = "set serial to that number; the configuration has another one"
	case isNumber(cert.Subject.CommonName) && mchID != "" && cert.Subject.CommonName != mchID:
		c.Found, c.Todo = "it is of mchid "+cert.Subject.CommonName, "mend mchid, or take the certificate of the right merchant"
	case now.After(cert.NotAfter):
		c.Found, c.Todo = fmt.Sprintf("it ended on %s", cert.NotAfter.Format(time.DateOnly)), renewCertificate
	case cert.NotAfter.Sub(now) < certificateSoon:
		c.Result, c.Todo = pay.CheckWarning, renewCertificate
		c.Found = fmt.Sprintf("it ends in %d days", days)
	default:
		c.Result = pay.CheckOK
		c.Found += fmt.Sprintf(", of this private key, ends in %d days", days)
	}
	return c
}

const renewCertificate = "apply for a new one in 商户平台 → API安全, then change private_key and serial"

func isNumber(text string) bool { return text != "" && strings.Trim(text, digits) == "" }

// CheckClock compares our clock with the API's.
func CheckClock(ahead time.Duration, err error) pay.Check {
	c := pay.Check{Name: "clock", Result: pay.CheckOK}
	const worth = 30 * time.Second // below that the network may have been slow
	where := "ahead of"
	if ahead < 0 {
		where = "behind"
	}
	c.Found = fmt.Sprintf("%v %s WeChat Pay's", ahead.Abs().Round(time.Second), where)
	switch {
	case err != nil:
		c.Result, c.Found = pay.CheckBroken, "WeChat Pay does not answer: "+err.Error()
		c.Todo = "let this machine reach api_url: name server, firewall, routes"
	case ahead.Abs() >= clockTolerance:
		c.Result, c.Todo = pay.CheckBroken, "set the clock (NTP): WeChat Pay refuses what is more than 5 minutes off"
	case ahead.Abs() >= worth:
		c.Result, c.Todo = pay.CheckWarning, "set the clock (NTP): beyond 5 minutes WeChat Pay refuses all"
	case ahead.Abs() < 2*time.Second:
		c.Found = "within two seconds of WeChat Pay's"
	}
	return c
}

// CheckEcho says what a self-test has shown, by the error of [Gateway.Echo].
func CheckEcho(err error) pay.Check {
	c := pay.Check{Name: "self-test", Result: pay.CheckOK, Found: "signed, answered, verified and decrypted"}
	if err == nil {
		return c
	}
	c.Result, c.Found = pay.CheckBroken, err.Error()
	e, ok := errors.AsType[*pay.GatewayError](err)
	if !ok {
		return c
	}
	c.Todo = echoTodo(e)
	return c
}

// CheckRelation says whether the provider of an account serves its sub_mchid (受理关系), by the error of [Gateway.Query]
// for a number that nobody has.
func CheckRelation(subMchID string, err error) pay.Check {
	c := pay.Check{Name: "sub_mchid", Result: pay.CheckOK, Found: "the service provider serves " + subMchID}
	e, ok := errors.AsType[*pay.GatewayError](err)
	switch {
	case err == nil, ok && e.Outcome == pay.Missing:
	case ok && e.Status == 0:
		c.Result, c.Found, c.Todo = pay.CheckBroken, err.Error(), "let this machine reach api_url: name server, firewall, routes"
	default:
		c.Result, c.Found = pay.CheckBroken, err.Error()
		c.Todo = "sub_mchid must be a merchant (特约商户) of this service provider: look it up in 服务商平台 → 特约商户管理"
	}
	return c
}

// echoTodo says what most likely is wrong.
func echoTodo(e *pay.GatewayError) string {
	if r, ok := errors.AsType[*Rejection](e); ok {
		switch r.Reason {
		case UnknownKey:
			return "public_key_id must be the one shown beside the public key in 商户平台 → API安全 → 微信支付公钥"
		case Forged:
			return "public_key is not the key of public_key_id; download pub_key.pem again"
		case Stale:
			return "set the clock (NTP)"
		}
		return "something between here and WeChat Pay answers in its place; look at api_url and proxies"
	}
	switch {
	case errors.Is(e, errNoCertificates):
		return "set public_key_id and public_key, from 商户平台 → API安全 → 微信支付公钥"
	case errors.Is(e, errSealed):
		return "api_v3_key must be the APIv3 key set in 商户平台 → API安全"
	}
	if inner, ok := errors.AsType[*pay.GatewayError](e.Err); ok { // the certificates could not be fetched
		return echoTodo(inner)
	}
	switch {
	case e.Status == 0:
		return "let this machine reach api_url: name server, firewall, routes"
	case e.Code == "SIGN_ERROR":
		return "private_key and serial must be of one API certificate of this mchid that is still valid (商户平台 → API安全)"
	case e.Code == "PARAM_ERROR":
		return "public_key must be the key that public_key_id names; download pub_key.pem again"
	case e.Code == "INVALID_REQUEST":
		return "public_key_id must be the one shown in 商户平台 → API安全 → 微信支付公钥"
	case e.Status == http.StatusOK:
		return "private_key must be of the API certificate of serial"
	case e.Code == "":
		return "this is not WeChat Pay's answer; look at api_url and proxies between"
	}
	return "look the code up in WeChat Pay's documents; its support wants the Request-ID"
}
