CREATE TABLE base_certificate (
    certificate_identifier VARCHAR(128),
    certificate_type_name VARCHAR(200),
    certificate_type_code TEXT,
    certificate_number VARCHAR(100),
    certificate_name VARCHAR(200),
    certificate_issuer_name VARCHAR(200),
    certificate_issuer_code VARCHAR(18),
    issued_date DATE,
    certificate_valid_from_date DATE,
    certificate_valid_to_date DATE,
    certificate_holder_name VARCHAR(300),
    certificate_holder_code VARCHAR(18),
    certificate_holder_type_code TEXT,
    certificate_status_code TEXT
);
COMMENT ON TABLE base_certificate IS '电子证照 / Certificates';
COMMENT ON COLUMN base_certificate.certificate_identifier IS '证照标识 / Certificate identifier (GB/T 36904-2018)';
COMMENT ON COLUMN base_certificate.certificate_type_name IS '证照类型名称 / Certificate type name (GB/T 36903-2018)';
COMMENT ON COLUMN base_certificate.certificate_type_code IS '证照类型代码 / Certificate type code (GB/T 36903-2018)';
COMMENT ON COLUMN base_certificate.certificate_number IS '证照编号 / Certificate number (GB/T 36903-2018)';
COMMENT ON COLUMN base_certificate.certificate_name IS '证照名称 / Certificate name (GB/T 36903-2018)';
COMMENT ON COLUMN base_certificate.certificate_issuer_name IS '证照颁发机构 / Certificate issuer (GB/T 36903-2018)';
COMMENT ON COLUMN base_certificate.certificate_issuer_code IS '证照颁发机构代码 / Code of the certificate issuer (GB/T 36903-2018)';
COMMENT ON COLUMN base_certificate.issued_date IS '证照颁发日期 / Date of issue (GB/T 36903-2018)';
COMMENT ON COLUMN base_certificate.certificate_valid_from_date IS '证照有效期起始日期 / Start of validity (GB/T 36903-2018)';
COMMENT ON COLUMN base_certificate.certificate_valid_to_date IS '证照有效期截止日期 / End of validity (GB/T 36903-2018)';
COMMENT ON COLUMN base_certificate.certificate_holder_name IS '持证主体 / Certificate holder (GB/T 36903-2018)';
COMMENT ON COLUMN base_certificate.certificate_holder_code IS '持证主体代码 / Code of the certificate holder (GB/T 36903-2018)';
COMMENT ON COLUMN base_certificate.certificate_holder_type_code IS '持证主体代码类型代码 / Type of the holder code (GB/T 36903-2018)';
COMMENT ON COLUMN base_certificate.certificate_status_code IS '证照状态代码 / Certificate status code (电子证照行业标准代码表)';
