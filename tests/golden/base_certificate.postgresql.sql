CREATE TABLE base_certificate (
    certificate_identifier VARCHAR(128),
    certificate_name VARCHAR(200),
    certificate_type_name VARCHAR(200),
    certificate_type_code TEXT,
    certificate_number VARCHAR(100),
    certificate_issuer_name VARCHAR(200),
    certificate_issuer_code VARCHAR(18),
    certificate_issuer_division_code VARCHAR(6),
    issued_date DATE,
    certificate_holder_name VARCHAR(300),
    certificate_holder_code VARCHAR(30),
    certificate_holder_type_name VARCHAR(100),
    certificate_holder_type_code TEXT,
    certificate_valid_from_date DATE,
    certificate_valid_to_date DATE,
    certificate_status_code TEXT,
    certificate_changed_datetime VARCHAR(19),
    certificate_change_reason VARCHAR(400),
    certificate_sealer_name VARCHAR(50),
    certificate_seal_name VARCHAR(100),
    certificate_sealed_datetime VARCHAR(19),
    related_certificate_identifier VARCHAR(128),
    certificate_version VARCHAR(3),
    certificate_file_format_code TEXT,
    certificate_file_digest VARCHAR(64),
    annotated_copy_author_name VARCHAR(50),
    annotated_copy_reason VARCHAR(100),
    annotated_copy_datetime VARCHAR(19),
    annotated_copy_valid_to_datetime VARCHAR(19),
    defining_authority_name VARCHAR(200),
    defining_authority_code VARCHAR(18),
    certificate_holder_class_code TEXT,
    matter_code VARCHAR(31),
    source_updated_datetime VARCHAR(19)
);
COMMENT ON TABLE base_certificate IS '电子证照';
COMMENT ON COLUMN base_certificate.certificate_identifier IS '证照标识：电子证照的唯一标识。标准规定必备。依据 GB/T 36904-2018';
COMMENT ON COLUMN base_certificate.certificate_name IS '证照名称：证照的名称。标准规定必备。依据 GB/T 36903-2018 ZZMC';
COMMENT ON COLUMN base_certificate.certificate_type_name IS '证照类型名称：证照类型的名称。标准规定必备。依据 GB/T 36903-2018 ZZLXMC';
COMMENT ON COLUMN base_certificate.certificate_type_code IS '证照类型代码：证照定义机构代码加三位顺序号。代码表 certificate_type。标准规定必备。依据 GB/T 36903-2018 ZZLXDM';
COMMENT ON COLUMN base_certificate.certificate_number IS '证照编号：印在证照上的编号。标准规定必备。依据 GB/T 36903-2018 ZZBH';
COMMENT ON COLUMN base_certificate.certificate_issuer_name IS '证照颁发机构：颁发证照的机构全称。标准规定必备。依据 GB/T 36903-2018 ZZBFJG';
COMMENT ON COLUMN base_certificate.certificate_issuer_code IS '证照颁发机构代码：颁发机构的统一社会信用代码。标准规定必备。依据 GB/T 36903-2018 ZZBFJGDM';
COMMENT ON COLUMN base_certificate.certificate_issuer_division_code IS '证照颁发机构行政区划代码：颁发机构所在的行政区划，颁发时有效的代码。代码表 division。标准规定可选。依据 GB/T 2260-2007';
COMMENT ON COLUMN base_certificate.issued_date IS '证照颁发日期：颁发证照的日期。标准规定必备。依据 GB/T 36903-2018 ZZBFRQ';
COMMENT ON COLUMN base_certificate.certificate_holder_name IS '持证主体：持有证照的自然人或组织的名称。标准规定必备。依据 GB/T 36903-2018 CZZT';
COMMENT ON COLUMN base_certificate.certificate_holder_code IS '持证主体代码：持证主体的公民身份号码、统一社会信用代码或其他有效证件的号码。标准规定必备。依据 GB/T 36903-2018 CZZTDM';
COMMENT ON COLUMN base_certificate.certificate_holder_type_name IS '持证主体代码类型：持证主体代码属于哪一种号码，以名称表示。标准规定必备。依据 GB/T 36903-2018 CZZTDMLX';
COMMENT ON COLUMN base_certificate.certificate_holder_type_code IS '持证主体代码类型代码：持证主体代码属于哪一种号码。代码表 cert_holder_code_type。标准规定必备。依据 GB/T 36903-2018 CZZTDMLXDM';
COMMENT ON COLUMN base_certificate.certificate_valid_from_date IS '证照有效期起始日期：证照开始有效的日期。标准规定必备。依据 GB/T 36903-2018 ZZYXQQSRQ';
COMMENT ON COLUMN base_certificate.certificate_valid_to_date IS '证照有效期截止日期：证照有效的最后日期，长期有效为 9999-12-31。标准规定必备。依据 GB/T 36903-2018 ZZYXQJZRQ';
COMMENT ON COLUMN base_certificate.certificate_status_code IS '证照状态代码：证照的状态。代码表 cert_status。标准规定必备。依据 电子证照行业标准代码表（仅见一处来源）';
COMMENT ON COLUMN base_certificate.certificate_changed_datetime IS '证照变更时间：证照内容最近一次变更的时间，北京时间。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.certificate_change_reason IS '证照变更原因：证照内容变更的原因。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.certificate_sealer_name IS '证照签章人：在电子证照上签章的人。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.certificate_seal_name IS '证照签章名称：电子证照所用印章的名称。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.certificate_sealed_datetime IS '证照签章时间：在电子证照上签章的时间，北京时间。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.related_certificate_identifier IS '关联证照标识：本证照所取代或关联的证照的标识。标准规定可选。依据 GB/T 36904-2018';
COMMENT ON COLUMN base_certificate.certificate_version IS '证照版本号：证照的版本，三位数字，首版为 001。标准规定必备。依据 GB/T 36904-2018';
COMMENT ON COLUMN base_certificate.certificate_file_format_code IS '证照文件格式：电子证照文件的格式。代码表 certificate_file_format。标准规定可选。依据 GB/T 36905-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.certificate_file_digest IS '证照文件摘要：电子证照文件的 SM3 摘要，十六进制。标准规定可选。依据 GM/T 0004 SM3（未见原文）';
COMMENT ON COLUMN base_certificate.annotated_copy_author_name IS '加注件制作者：制作加注件的人或单位。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.annotated_copy_reason IS '加注件制作事由：为办理什么事项制作加注件。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.annotated_copy_datetime IS '加注件制作时间：制作加注件的时间，北京时间。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.annotated_copy_valid_to_datetime IS '加注件有效期截止时间：加注件有效的最后时间，北京时间。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.defining_authority_name IS '证照定义机构：定义该类证照的机构全称。标准规定可选。依据 GB/T 36902-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.defining_authority_code IS '证照定义机构代码：定义机构的统一社会信用代码，即证照类型代码的前18位。标准规定可选。依据 GB/T 36902-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.certificate_holder_class_code IS '持证主体类别：证照颁发给自然人、法人还是两者。代码表 certificate_holder_class。标准规定可选。依据 GB/T 36902-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.matter_code IS '关联事项代码：办理结果为该证照的政务服务事项的代码。标准规定可选。依据 GB/T 36902-2018（仅见一处来源）';
COMMENT ON COLUMN base_certificate.source_updated_datetime IS '数据更新时间：源系统中该记录最近一次更新的时间，北京时间。标准规定必备。依据 GB/T 7408.1-2023（未见原文）';
