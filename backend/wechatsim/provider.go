package wechatsim

import (
	"net/http"
	"slices"
	"strings"
)

// A SubMerchant (特约商户) takes money by the account of its service provider (服务商), whose keys sign and verify all:
// it has none of its own. The money is its own.
type SubMerchant struct {
	Name      string `json:"name"`  // the payee that the customer reads
	MchID     string `json:"mchid"` // 10 digits
	AppID     string `json:"appid"` // bound to MchID; orders need not name it
	AppSecret string `json:"app_secret"`
}

// RegisterSubMerchant makes the merchant a service provider, if it is none yet, and gives it another merchant. It is to
// be called before New. Save keeps it. A service provider takes no money for itself.
func (m *Merchant) RegisterSubMerchant(name string) SubMerchant {
	sub := SubMerchant{Name: name, MchID: "17" + randomOf(digits, 8), AppID: "wx" + randomOf("0123456789abcdef", 16),
		AppSecret: newAppSecret()}
	m.SubMerchants = append(slices.Clip(m.SubMerchants), sub) // copies of m share nothing
	return sub
}

// isProvider reports whether the merchant takes money for others only.
func (m *Merchant) isProvider() bool { return len(m.SubMerchants) > 0 }

// sub finds a merchant of the service provider.
func (m *Merchant) sub(mchID string) (SubMerchant, bool) {
	i := slices.IndexFunc(m.SubMerchants, func(x SubMerchant) bool { return x.MchID == mchID })
	if i < 0 {
		return SubMerchant{}, false
	}
	return m.SubMerchants[i], true
}

// secretOf is the AppSecret of an official account of the merchant or, of a service provider, of one of its merchants.
func (m *Merchant) secretOf(appID string) (secret string, known bool) {
	if appID == m.AppID {
		return m.AppSecret, true
	}
	for _, x := range m.SubMerchants {
		if x.AppID == appID {
			return x.AppSecret, true
		}
	}
	return "", false
}

// payeeName is who the customer reads that he pays.
func (s *Server) payeeName(t Trade) string {
	if sub, ok := s.merchant.sub(t.SubMchID); ok {
		return sub.Name
	}
	return s.merchant.Name
}

// partner reports whether a call is one of service providers.
func (c call) partner() bool { return strings.HasPrefix(c.URL.Path, "/v3/pay/partner/") }

// lookupQuery are the parameters by which a query says whose the order is.
func lookupQuery(partner bool) []string {
	if partner {
		return []string{"sp_mchid", "sub_mchid"}
	}
	return []string{"mchid"}
}

// A payee is how a request names whose the order is, by one of two forms.
type payee struct {
	AppID    string `json:"appid,omitempty"`
	MchID    string `json:"mchid,omitempty"`
	SpAppID  string `json:"sp_appid,omitempty"`
	SpMchID  string `json:"sp_mchid,omitempty"`
	SubAppID string `json:"sub_appid,omitempty"`
	SubMchID string `json:"sub_mchid,omitempty"`
}

// payeeFields is the form in a request, with or without the appids.
func payeeFields(partner, appIDs bool) []field {
	id := func(name string, required bool) field {
		return field{name: name, kind: text, required: required, max: 32}
	}
	switch {
	case partner && appIDs:
		return []field{id("sp_appid", true), id("sp_mchid", true), id("sub_appid", false), id("sub_mchid", true)}
	case partner:
		return []field{id("sp_mchid", true), id("sub_mchid", true)}
	case appIDs:
		return []field{id("appid", true), id("mchid", true)}
	}
	return []field{id("mchid", true)}
}

// withSubMchID is a request that has one more field if it is a service provider's.
func (s *Server) withSubMchID(table []field) []field {
	if !s.merchant.isProvider() {
		return table
	}
	return append(table, field{name: "sub_mchid", kind: text, min: 1, max: 32})
}

// subMchIDQuery is likewise the parameter of a query.
func (s *Server) subMchIDQuery(known ...string) []string {
	if !s.merchant.isProvider() {
		return known
	}
	return append(known, "sub_mchid")
}

// checkPayee holds the merchants that a request names against the one that signed.
func (s *Server) checkPayee(c call, p payee, location string) error {
	if !c.partner() {
		if err := s.checkMchID("mchid", p.MchID, location); err != nil {
			return err
		}
		if s.merchant.isProvider() {
			return needsSubMchID()
		}
		return nil
	}
	if err := s.checkMchID("sp_mchid", p.SpMchID, location); err != nil {
		return err
	}
	return s.checkSubMchID(p.SubMchID, location)
}

// checkSubMchID holds the merchant of a service provider that a request names against those that it has; "" is a direct
// merchant's. The page of errors has the messages; it does not show their codes.
func (s *Server) checkSubMchID(subMchID, location string) error {
	_, known := s.merchant.sub(subMchID)
	switch {
	case subMchID == "" && s.merchant.isProvider():
		return needsSubMchID()
	case subMchID != "" && !known:
		return &refusal{status: http.StatusBadRequest, number: numberNotPublished, Code: "PARAM_ERROR",
			Message: "受理关系不存在", Detail: &detail{Field: "/sub_mchid", Value: subMchID, Issue: "受理关系不存在", Location: location}}
	}
	return nil
}

func needsSubMchID() error {
	return &refusal{status: http.StatusBadRequest, number: numberNotPublished, Code: "PARAM_ERROR",
		Message: "受理机构必须传入sub_mch_id"}
}

// checkAppIDs holds the appids of a request against those that are bound to the merchants it names.
func (s *Server) checkAppIDs(c call, p payee) error {
	sub, _ := s.merchant.sub(p.SubMchID)
	switch {
	case !c.partner() && p.AppID == s.merchant.AppID:
	case c.partner() && p.SpAppID == s.merchant.AppID && (p.SubAppID == "" || p.SubAppID == sub.AppID):
	default:
		return &refusal{status: http.StatusBadRequest, number: numberAppID, Code: "APPID_MCHID_NOT_MATCH",
			Message: "appid和mchid不匹配，请检查绑定关系"}
	}
	return nil
}

// payee is how WeChat Pay names whose an order is.
func (t *Trade) payee(m *Merchant) payee {
	if t.SubMchID == "" {
		return payee{AppID: m.AppID, MchID: m.MchID}
	}
	return payee{SpAppID: m.AppID, SpMchID: m.MchID, SubAppID: t.SubAppID, SubMchID: t.SubMchID}
}

// other is the same but for one number: that of the merchant whose the order is.
func (p payee) other() payee {
	if p.SubMchID != "" {
		p.SubMchID = otherMchID(p.SubMchID)
	} else {
		p.MchID = otherMchID(p.MchID)
	}
	return p
}

// payer is how WeChat Pay names who paid an order: under the appid of the merchant, or under those of a service
// provider and its merchant.
func (t *Trade) payer(m *Merchant) *payer {
	if t.SubMchID == "" {
		return &payer{OpenID: t.OpenID}
	}
	p := &payer{SpOpenID: openID(m.AppID, t.Payer)}
	if t.SubAppID != "" {
		p.SubOpenID = openID(t.SubAppID, t.Payer)
	}
	return p
}

// payerField is payer in a JSAPI request.
func payerField(partner bool) field {
	f := field{name: "payer", kind: object, required: true, fields: []field{{name: "openid", kind: text, required: true, max: 128}}}
	if partner {
		f.fields = []field{{name: "sp_openid", kind: text, min: 1, max: 128}, {name: "sub_openid", kind: text, min: 1, max: 128}}
	}
	return f
}

// appID is the appid that the one openid of a JSAPI order is under.
func (p payer) appID(of payee, c call) (appID string, err error) {
	switch {
	case !c.partner():
		return of.AppID, nil
	case (p.SpOpenID == "") == (p.SubOpenID == ""):
		return "", refuseField(numberParameter, "/payer", nil, "sp_openid和sub_openid必须且只能填一个")
	case p.SpOpenID != "":
		return of.SpAppID, nil
	case of.SubAppID == "":
		return "", refuseField(numberParameter, "/payer/sub_openid", p.SubOpenID, "传入sub_openid时必须传入sub_appid")
	}
	return of.SubAppID, nil
}
