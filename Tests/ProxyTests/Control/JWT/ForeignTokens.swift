/// Tokens and keys made by PyJWT 2 and pyca/cryptography, so that what we read was not written by us. The
/// private halves were thrown away. Claims of every token: `sub` "alice", `exp` 4102444800 (the year 2100).
enum ForeignTokens {
    /// Of the HS… tokens.
    static let secret = "a secret of thirty-two bytes or soa secret of thirty-two bytes or so"

    /// By algorithm.
    static let tokens: [String: String] = [
        "HS256":
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMH0.LwAgbd1em8D_zKR"
            + "oXLYM_vIpeKUn3dwqiaa7kBw1eoc",
        "HS384":
            "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMH0.n5vx08MQ-FYJXbf"
            + "ICC3_HMYltmmWk5Fdip5d1BzxaHqk2n_SYYFPsNUegTI17rE_",
        "HS512":
            "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMH0.s9x2IOQnsvgahV_"
            + "jd7HsFI8dUk4VENz4RU-bOF7yKhiqXw7e1DBQNx68k2Igfxzpw0EW_SIaXit7EtzozwCn3Q",
        "RS256":
            "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMH0.XyuqpRQ6kxsWjlK"
            + "2rRaVtNbHfH8J-7uMYVzBYFZouHApapqM9-gFEA-hRN8xQJVRdG6HA1Lfdf5Vbv5qKv7UiE71YkSRK2ZlaE4jG10JqAHtH7C"
            + "1tGNDg-wo4McMNZjannFxt5kAuJRMBWXctoz10wa-D99XKQ2Wwkn0dInoojVHwfFT36CG_fDVi8ciwudU2ACSdRzlSm0Sd-5"
            + "QuZ_WCoV7QRw4qSL9HCZUz4UQQ-qrWf2k0TXXE2EaY8HrZ4gpXPA_NEyZOY24XJVzCbtrxcEmNN77o1dd82wikHXBeoW7I3D"
            + "5I26rU3TW7a3FEnCX_MD1jXXfYkGChG_VD_6IMA",
        "RS384":
            "eyJhbGciOiJSUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMH0.H7wfev0YMxYMxec"
            + "9fv8Z3NgwGrXBBHMPHyd9IOuO1kttqe8vxACI2Bcuw1cmmHVwjUGBFj_g3BJ6kSv3UTSLs-Cl57NsQETIS_lMg489eXvbV8S"
            + "2qrr7NH7ABKIrQ_lVJ70T-J_sjVRBq66Nat0UJZ8ismSeWhF49C9Yn2KISMcS8VZPJmEnJLbE9xFhLRcrWmqqoSEVc7syzo2"
            + "ilzxIFL0m1USi_hiLw27JQGcS20mHOB3r4bQESMJQ1PIZU83d0YN5qBYoqlFGPhSMcRNMt8oZBQ2AOy5CwtH1bfWE3DHlSVW"
            + "Yr6sGLMBnHBLcLtX7b0LavT-9YC8xMDXrfbNWSw",
        "RS512":
            "eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMH0.G1LW_l6HR6D0hVu"
            + "vJtn37zXU4rjLVrULaHQ4om1QPoygyGzyslET5FzSsxUmqxfeutB45JrllkFuu37piIeLoanETE-8oC4x1dsOu09HenwZgoa"
            + "oham-DFYjXJwbXDPSYYvNKcYBdk1a5yUb0DTXM8S1GdhyGf1THjrA_bm55PGJGhmMWTmr1SLCmcC3pPVjfGmZFPhU0RDqKck"
            + "xXFbWz6vyl1BlxMqi66WUFI6S8PTM1taBm_aeWfeBu9RfxpcBaKa8wUt7KPZ6yefuuKhCsrp48x2itsp47qM2CRolp-Lxvkk"
            + "Fj69GUHN7mGIxvJpvozJiKjoyNYXojTXkskn8lw",
        "PS256":
            "eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMH0.xKraX9Re65FzNti"
            + "LVUIhINfxh-CKLn_S3dDNRyXRotmw9732IAUT_DSuZ7g6akfd4h-6p2ukLp-gagKLqLxrmjMkAyq9O04Y0pt-G6WdZ4UOpSX"
            + "PY7ONNhV2sFTRxrG_vrwgJA7D_6CL2T72JHFn3Efyx-tkywwjxgp7bTYNL6yfGH2o2UC3Q3tVI5F4yIV5km3qNfLiHeLAd32"
            + "LnjeSOres0c9-FRGSaKoQWxgIZBAeBeR80TKFXJyELwsbzXCx5Nc36wUYzVZXBPP3Zip1IQ2AKccKmFHVG3PX4iP9rV-mx81"
            + "NV6fxO2SwHeV-h4UaeizK92UHkk7Izc_9X1-Ikw",
        "ES256":
            "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMH0.SzsZ2UV3KcDboOX"
            + "tXQilA56SFjbgDyZW5_X61I1n40d2BTL0fP_C_Nk2VgCstEtcrypL9Q5-xN2FGp1Aadf8FA",
        "ES384":
            "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMH0.bXWj5mzWdjg5_lh"
            + "yvap0Uuphuc_aRRQF0QBPoLGnGb7bHGnDBn6sfZ6QsNQQ5ONuQGVWfteXP3LY0sEkBLOSRg7nKvSheDW-25v2Jxx7fdVOeXt"
            + "kOWl6curBibUtYpYE",
        "EdDSA":
            "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMH0.fybUP9mAwgAU4MS"
            + "Fku8lH-ekweQFNz2vdC8JWaJvz-4tDuAQ8V6F94OUqfuEoBmQxnlOL_zWExhB5O332oobBQ",
    ]

    static let rsaPEM = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxnmZflZ0A47SrFNf5m/i
        /IfK9ZXZ3oGEaefKXgNWGtEaOhKrYrkdE9W5NxROMKTyU7UN3NcaXdNdiZQionBI
        5Mi7RIHfMMCj8h+8tdpSloLG5l//YxjyLPnD1E4KKPo833GM/05lBc1xap6WKZTg
        ophj68k4TzJqnrBNVwsFVSr/wbjgf88PgGje85chePDie7NUc82Ng9ewYG9QhTf4
        XbiHr0MTfzuyaMsN/tnFGdpdGgc8iFecwGxyPa/RHfOd0zOtuvLjKktUbnXGNXk9
        drgSAFhqli4tNlKs1uh1SxQ1Rp/wvh2QXcvjHpaeWDN7Yi3y0lTL6eWqb44sNpZo
        uwIDAQAB
        -----END PUBLIC KEY-----
        """
    static let p256PEM = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAES7VOxyiraTxpak6qNg/j+zD7TK/M
        fNKR9TO45aEMVzgr3TPoIRr8DnLlIrIws5VUtYAKJED/gkaUrMYqVP/27A==
        -----END PUBLIC KEY-----
        """
    static let p384PEM = """
        -----BEGIN PUBLIC KEY-----
        MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEmPYAMID+qY8wZuEtImsuYp8PalixdA78
        dPWWOceBL900m3pIYFZcqV47A+nKMH1qoPhqlFUk1BS3AfgmwCclRE0VLqLvi2Fd
        7GMrarw3Ym+NIjkK8SSC90TNR9zQxJjH
        -----END PUBLIC KEY-----
        """
    static let ed25519PEM = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEAQ5DkF6D4J48IJMXawFM1FdonhYBlpsQiAAPWiECFbR0=
        -----END PUBLIC KEY-----
        """
    /// 1024 bits.
    static let weakPEM = """
        -----BEGIN PUBLIC KEY-----
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC4JpuR9FWjNKu2OrBGYPbbpEAP
        zCE7EDpqRAXr0VduMs/eU8jtHqpDHpwbuq3izbGR0g54N/T9afbexvMM07MeFzQA
        19piQRIzjIRPAs0FSg022bw8zgfu25KZoJQ9QJZskkqsNX8actqpF4LgUIw9ChC1
        dikyPWZ6yZA0oPs7ZwIDAQAB
        -----END PUBLIC KEY-----
        """
    /// P-521.
    static let p521PEM = """
        -----BEGIN PUBLIC KEY-----
        MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBC/0PeHfXTDCg/V+9EMnqodh1Dc1E
        mB3lh6xtF6ysULcAt3hhGKewEkgPAOs5jhl5Uy8NgoN2IP2GIEfkhm+l23gBvMwk
        RIBBS8YtsPZdfB2bmKk/EGjxEM4GpUHtsyjKKjbO5/00ArLjFCmXXwHESAI7Znv0
        PTnFxgTxiIu8LLXUTtw=
        -----END PUBLIC KEY-----
        """
    /// Of the RSA key; expired, which says nothing of the key.
    static let certificatePEM = """
        -----BEGIN CERTIFICATE-----
        MIIClzCCAX+gAwIBAgIBATANBgkqhkiG9w0BAQsFADAPMQ0wCwYDVQQDDAR0ZXN0
        MB4XDTIwMDEwMTAwMDAwMFoXDTIxMDEwMTAwMDAwMFowDzENMAsGA1UEAwwEdGVz
        dDCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAMZ5mX5WdAOO0qxTX+Zv
        4vyHyvWV2d6BhGnnyl4DVhrRGjoSq2K5HRPVuTcUTjCk8lO1DdzXGl3TXYmUIqJw
        SOTIu0SB3zDAo/IfvLXaUpaCxuZf/2MY8iz5w9ROCij6PN9xjP9OZQXNcWqelimU
        4KKYY+vJOE8yap6wTVcLBVUq/8G44H/PD4Bo3vOXIXjw4nuzVHPNjYPXsGBvUIU3
        +F24h69DE387smjLDf7ZxRnaXRoHPIhXnMBscj2v0R3zndMzrbry4ypLVG51xjV5
        PXa4EgBYapYuLTZSrNbodUsUNUaf8L4dkF3L4x6Wnlgze2It8tJUy+nlqm+OLDaW
        aLsCAwEAATANBgkqhkiG9w0BAQsFAAOCAQEAgAw/jlKHVgkll/6N9q/My2nC7zIW
        VkNgpzFlUol46mIU4IgxDyZAQDLE7JQB9uU76UMoPDSo/qXKRqAw24wjvR3HhZAc
        9V+ahWiARf09oH/jCO4VXy2gDT5BsvTaaT+CX2ZdMRrZvOo2sKuqm3QUtkKleAVO
        GundppxCVdNYWhTAtodS6/axq35fnN6xcfJ+tLRXLNpSazjblkPhy6TLtfVUPlKI
        Zavulj3WdpAuCkof1IxFlZpHyq2aCS1/iKVmEaM3E4y58OwjzOHW9GPHiT5n536u
        Tkl/5bk5Vsc6PZE01aY6tbFUQLUx77bXi+62SYzTfh9frqeBh/qbmHSagw==
        -----END CERTIFICATE-----
        """
    /// One JWK for each key, `kid` its kind.
    static let jwks = [
        "{\"kty\":\"RSA\",\"n\":\"xnmZflZ0A47SrFNf5m_i_IfK9ZXZ3oGEaefKXgNWGtEaOhKrYrkdE9W5NxROMKTyU"
            + "7UN3NcaXdNdiZQionBI5Mi7RIHfMMCj8h-8tdpSloLG5l__YxjyLPnD1E4KKPo833GM_05lBc1xap6WKZTgophj68k"
            + "4TzJqnrBNVwsFVSr_wbjgf88PgGje85chePDie7NUc82Ng9ewYG9QhTf4XbiHr0MTfzuyaMsN_tnFGdpdGgc8iFecw"
            + "GxyPa_RHfOd0zOtuvLjKktUbnXGNXk9drgSAFhqli4tNlKs1uh1SxQ1Rp_wvh2QXcvjHpaeWDN7Yi3y0lTL6eWqb44"
            + "sNpZouw\",\"e\":\"AQAB\",\"kid\":\"rsa\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"S7VOxyiraTxpak6qNg_j-zD7TK_MfNKR9TO45aEMVzg\",\""
            + "y\":\"K90z6CEa_A5y5SKyMLOVVLWACiRA_4JGlKzGKlT_9uw\",\"kid\":\"p256\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"mPYAMID-qY8wZuEtImsuYp8PalixdA78dPWWOceBL900m3pI"
            + "YFZcqV47A-nKMH1q\",\"y\":\"oPhqlFUk1BS3AfgmwCclRE0VLqLvi2Fd7GMrarw3Ym-NIjkK8SSC90TNR9zQxJj"
            + "H\",\"kid\":\"p384\"}",
        "{\"x\":\"Q5DkF6D4J48IJMXawFM1FdonhYBlpsQiAAPWiECFbR0\",\"kty\":\"OKP\",\"crv\":\"Ed25519\""
            + ",\"kid\":\"ed25519\"}",
    ]

    /// Signed by the RSA key, with `kid`.
    static let namedRSA =
        "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMH0"
        + ".kh4XeXp7-JQNREJ93_Utl3Mylfo7SSp7hs_rxQ0SHCfddXsil_yXf3ZaDFphDAooPvivD2lgo1UCqP-_arDTDYv68G15C9E"
        + "GRXSZyKOxWzmWORZSJR_f2aZTOG0JOgxFF4MGiuohN1JYgukyBGukAlnjnEs5CRDwtcrAHQFyEsCb5OUDWVn3kOPIX_64dxh"
        + "-i0ZbJaEw9KL735QSzHWYbQ4a619MBCdyaDoYkdDZdS2xrsv5GJsJPnHPxBIt6hcEOC-U5INN7PyM6yvwftZ1HQds9vvz0ja"
        + "7aE3lyggiXRN8fbFlGbggsCpUJgtNldqEnpFvde4LpgUBltuhSbwuGQ"
    /// Signed by another RSA key.
    static let namedOther =
        "eyJhbGciOiJSUzI1NiIsImtpZCI6Im5leHQiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwM"
        + "H0.miTxz6Ii1OPYle-YejgntHpRUMXHpUYKFQjZk0CktJIDyyFJemY5xkxxBMuf1VCw3fsbj1rWZ73QoWZNipn2piClzduSf"
        + "zJn5WNjTOmhXQQTZ-lIrBfsV31_Fn9wPBQ8X2-VMV3WtxdHDS204J97cqNE5wREIlnoPZziZ_dFVJMjycbG5Tk0_s9xnrxMB"
        + "fnAVwde2A6NEobj1Be4RZU4dWL15WOkCAHzSemM3AtiVmyLq0V6TSX6U_CT53aa2E2wnAx5JjwcQoHyznS76yw2qQRBQCL7Z"
        + "GfW4QAm0hPvkbljNloDM6-ce_Al9PcJ1DAtUKTuMtYz21ZEoyo_oI9luQ"
    /// The set with that key alone.
    static let nextJWKS =
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"x9s2jbOXmQ8td1sbKqN5VnXv6OKtXTI7sGmAbakzLFb4r0jCEzANaD"
        + "I98KNaaWneKily6AD0EZPtNvhl5J8s7zaBQnZElYVBUNX1NXtSAd14yaLyb-_a2xBim907bzPRZQ87KWLGXjh4PpNl"
        + "nZe9R8_O0bx7QHh0cydHbF1j8VEhKAZVqVkiELGMdQ0wFxXtAwp9gqwbycakBq5hUbF8vIsMBZfHvNIlBb_rTmXVg1"
        + "ZrpVH6Yi50WK7CNZaAv0HWEbD8f6uaYN_IIBC4PwvdPYA5kWcYgrNACEbHxVLylinaw6RCrrJAZyGzFbCsvQ23lp0v"
        + "2cNV5eUs0AvC5fLykQ\",\"e\":\"AQAB\",\"kid\":\"next\",\"alg\":\"RS256\",\"use\":\"sig\"}]}"
    /// HS256 with `rsaPEM` (and its last line end) as the secret.
    static let confused =
        "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAiYWxpY2UiLCAiZXhwIjogNDEwMjQ0NDgwMH0.cXhhVZT"
        + "xNqTvJn_JENfdv3-CGbhx2axBhhprh1yQZ-k"
}
