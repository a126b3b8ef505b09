package wechatsim

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	scheme = "WECHATPAY2-SHA256-RSA2048"
	// clockTolerance is how far a request's timestamp may be from WeChat Pay's clock, either way.
	clockTolerance = 5 * time.Minute
)

// lines builds a message to be signed: every line is ended by \n, the last one too.
func lines(parts ...string) []byte {
	return []byte(strings.Join(parts, "\n") + "\n")
}

// requestMessage is what a merchant signs. target is path and query byte for byte as sent, escapes included.
func requestMessage(method, target, timestamp, nonce string, body []byte) []byte {
	return lines(method, target, timestamp, nonce, string(body))
}

// answerMessage is what WeChat Pay signs, in an answer and in a callback alike.
func answerMessage(timestamp, nonce string, body []byte) []byte {
	return lines(timestamp, nonce, string(body))
}

// signError is a 401. The texts follow the list of causes that WeChat Pay publishes for SIGN_ERROR.
func signError(message string) error {
	return &refusal{status: http.StatusUnauthorized, Code: "SIGN_ERROR", Message: message}
}

// authorization is the parsed Authorization header of a request.
type authorization struct {
	mchID, nonce, signature, timestamp, serial string
}

// parseAuthorization reads `SCHEME a="…",b="…",…`: one space, commas without spaces, five items in any order.
func parseAuthorization(header string) (authorization, error) {
	if header == "" {
		return authorization{}, signError("Http头缺少Authorization")
	}
	name, rest, found := strings.Cut(header, " ")
	if name != scheme {
		return authorization{}, signError("Http头Authorization的认证类型不正确，应为 " + scheme)
	}
	malformed := signError("Http头Authorization值格式错误，请参考签名生成的文档")
	if !found {
		return authorization{}, malformed
	}
	var a authorization
	places := map[string]*string{"mchid": &a.mchID, "nonce_str": &a.nonce, "signature": &a.signature,
		"timestamp": &a.timestamp, "serial_no": &a.serial}
	for more := true; more; {
		key, after, ok := strings.Cut(rest, `="`)
		place := places[key]
		value, tail, closed := strings.Cut(after, `"`)
		if !ok || !closed || place == nil || value == "" {
			return authorization{}, malformed
		}
		*place = value
		delete(places, key)
		rest, more = strings.CutPrefix(tail, ",")
	}
	if rest != "" || len(places) != 0 {
		return authorization{}, malformed
	}
	return a, nil
}

// authorize checks who sent a request, in WeChat Pay's order: the clock before the signature.
func (s *Server) authorize(r *http.Request, body []byte, now time.Time) error {
	a, err := parseAuthorization(r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(a.timestamp, 10, 64)
	if err != nil {
		return signError("Http头Authorization中的timestamp格式错误，应为Unix秒")
	}
	if now.Sub(time.Unix(seconds, 0)).Abs() > clockTolerance {
		return signError("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
	}
	key := s.keys.requests[a.serial]
	if a.mchID != s.merchant.MchID || key == nil {
		return signError("商户证书序列号有误。请使用签名私钥匹配的证书序列号")
	}
	message := requestMessage(r.Method, target(r), a.timestamp, a.nonce, body)
	if err := verify(key, message, a.signature); err != nil {
		return signError("错误的签名，导致验签失败")
	}
	return nil
}

// target is path and query exactly as the client sent them; only a request that never crossed a wire lacks it.
func target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// seals are the five Wechatpay-* headers of an answer or a callback.
type seals struct {
	timestamp, nonce, signature, serial string
}

// newSeals signs a body as WeChat Pay does at the given time.
func newSeals(by signer, at time.Time, body []byte) (seals, error) {
	x := seals{timestamp: strconv.FormatInt(at.Unix(), 10), nonce: randomOf(alphanumeric, 32), serial: by.serial}
	signature, err := sign(by.key, answerMessage(x.timestamp, x.nonce, body))
	x.signature = signature
	return x, err
}

// write sets the headers by way of set, so that a callback can write their names in another case.
func (x seals) write(set func(name, value string)) {
	set("Wechatpay-Timestamp", x.timestamp)
	set("Wechatpay-Nonce", x.nonce)
	set("Wechatpay-Signature", x.signature)
	set("Wechatpay-Serial", x.serial)
	set("Wechatpay-Signature-Type", scheme)
}
