package wechatsim

import "net/http"

// platformCertificate is one element of the answer to GET /v3/certificates.
type platformCertificate struct {
	SerialNo           string               `json:"serial_no"`
	EffectiveTime      string               `json:"effective_time"`
	ExpireTime         string               `json:"expire_time"`
	EncryptCertificate encryptedCertificate `json:"encrypt_certificate"`
}

type encryptedCertificate struct {
	Algorithm      string `json:"algorithm"`
	Nonce          string `json:"nonce"`
	AssociatedData string `json:"associated_data"`
	Ciphertext     string `json:"ciphertext"`
}

// certificates hands out the platform certificates that are valid now, each encrypted with the APIv3 key. A merchant in
// public-key mode has none, and none has one of the national algorithm SM2.
func (s *Server) certificates(c call) (result, error) {
	algorithm := c.URL.Query().Get("algorithm_type")
	if issue := oneOf("", "RSA", "SM2", "ALL")(algorithm); issue != "" {
		return nil, wrongQuery(c, "algorithm_type", "只能是 RSA、SM2、ALL")
	}
	keys := s.platformKeys(c.now)
	if len(keys) == 0 || algorithm == "SM2" {
		return nil, &refusal{status: http.StatusNotFound, number: numberNotPublished, Code: "RESOURCE_NOT_EXISTS",
			Message: "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥"}
	}
	list := make([]platformCertificate, 0, len(keys))
	for _, k := range keys {
		nonce := randomOf(alphanumeric, 12)
		const associated = "certificate"
		sealed, err := seal(s.keys.apiV3, nonce, associated, k.pem)
		if err != nil {
			return nil, err
		}
		list = append(list, platformCertificate{SerialNo: k.serial, EffectiveTime: rfc3339(k.from),
			ExpireTime: rfc3339(k.until), EncryptCertificate: encryptedCertificate{Algorithm: "AEAD_AES_256_GCM",
				Nonce: nonce, AssociatedData: associated, Ciphertext: sealed}})
	}
	return struct {
		Data []platformCertificate `json:"data"`
	}{list}, nil
}
