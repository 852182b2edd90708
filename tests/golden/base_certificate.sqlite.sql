CREATE TABLE base_certificate ( -- 电子证照
    certificate_identifier TEXT, -- 证照标识：电子证照的唯一标识。标准规定必备。依据 GB/T 36904-2018
    certificate_name TEXT, -- 证照名称：证照的名称。标准规定必备。依据 GB/T 36903-2018 ZZMC
    certificate_type_name TEXT, -- 证照类型名称：证照类型的名称。标准规定必备。依据 GB/T 36903-2018 ZZLXMC
    certificate_type_code TEXT, -- 证照类型代码：证照定义机构代码加三位顺序号。代码表 certificate_type。标准规定必备。依据 GB/T 36903-2018 ZZLXDM
    certificate_number TEXT, -- 证照编号：印在证照上的编号。标准规定必备。依据 GB/T 36903-2018 ZZBH
    certificate_issuer_name TEXT, -- 证照颁发机构：颁发证照的机构全称。标准规定必备。依据 GB/T 36903-2018 ZZBFJG
    certificate_issuer_code TEXT, -- 证照颁发机构代码：颁发机构的统一社会信用代码。标准规定必备。依据 GB/T 36903-2018 ZZBFJGDM
    certificate_issuer_division_code TEXT, -- 证照颁发机构行政区划代码：颁发机构所在的行政区划，颁发时有效的代码。代码表 division。标准规定可选。依据 GB/T 2260-2007
    issued_date DATE, -- 证照颁发日期：颁发证照的日期。标准规定必备。依据 GB/T 36903-2018 ZZBFRQ
    certificate_holder_name TEXT, -- 持证主体：持有证照的自然人或组织的名称。标准规定必备。依据 GB/T 36903-2018 CZZT
    certificate_holder_code TEXT, -- 持证主体代码：持证主体的公民身份号码、统一社会信用代码或其他有效证件的号码。标准规定必备。依据 GB/T 36903-2018 CZZTDM
    certificate_holder_type_name TEXT, -- 持证主体代码类型：持证主体代码属于哪一种号码，以名称表示。标准规定必备。依据 GB/T 36903-2018 CZZTDMLX
    certificate_holder_type_code TEXT, -- 持证主体代码类型代码：持证主体代码属于哪一种号码。代码表 cert_holder_code_type。标准规定必备。依据 GB/T 36903-2018 CZZTDMLXDM
    certificate_valid_from_date DATE, -- 证照有效期起始日期：证照开始有效的日期。标准规定必备。依据 GB/T 36903-2018 ZZYXQQSRQ
    certificate_valid_to_date DATE, -- 证照有效期截止日期：证照有效的最后日期，长期有效为 9999-12-31。标准规定必备。依据 GB/T 36903-2018 ZZYXQJZRQ
    certificate_status_code TEXT, -- 证照状态代码：证照的状态。代码表 cert_status。标准规定必备。依据 电子证照行业标准代码表（仅见一处来源）
    certificate_changed_datetime TEXT, -- 证照变更时间：证照内容最近一次变更的时间，北京时间。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）
    certificate_change_reason TEXT, -- 证照变更原因：证照内容变更的原因。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）
    certificate_sealer_name TEXT, -- 证照签章人：在电子证照上签章的人。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）
    certificate_seal_name TEXT, -- 证照签章名称：电子证照所用印章的名称。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）
    certificate_sealed_datetime TEXT, -- 证照签章时间：在电子证照上签章的时间，北京时间。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）
    related_certificate_identifier TEXT, -- 关联证照标识：本证照所取代或关联的证照的标识。标准规定可选。依据 GB/T 36904-2018
    certificate_version TEXT, -- 证照版本号：证照的版本，三位数字，首版为 001。标准规定必备。依据 GB/T 36904-2018
    certificate_file_format_code TEXT, -- 证照文件格式：电子证照文件的格式。代码表 certificate_file_format。标准规定可选。依据 GB/T 36905-2018（仅见一处来源）
    certificate_file_digest TEXT, -- 证照文件摘要：电子证照文件的 SM3 摘要，十六进制。标准规定可选。依据 GM/T 0004 SM3（未见原文）
    annotated_copy_author_name TEXT, -- 加注件制作者：制作加注件的人或单位。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）
    annotated_copy_reason TEXT, -- 加注件制作事由：为办理什么事项制作加注件。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）
    annotated_copy_datetime TEXT, -- 加注件制作时间：制作加注件的时间，北京时间。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）
    annotated_copy_valid_to_datetime TEXT, -- 加注件有效期截止时间：加注件有效的最后时间，北京时间。标准规定可选。依据 GB/T 36903-2018（仅见一处来源）
    defining_authority_name TEXT, -- 证照定义机构：定义该类证照的机构全称。标准规定可选。依据 GB/T 36902-2018（仅见一处来源）
    defining_authority_code TEXT, -- 证照定义机构代码：定义机构的统一社会信用代码，即证照类型代码的前18位。标准规定可选。依据 GB/T 36902-2018（仅见一处来源）
    certificate_holder_class_code TEXT, -- 持证主体类别：证照颁发给自然人、法人还是两者。代码表 certificate_holder_class。标准规定可选。依据 GB/T 36902-2018（仅见一处来源）
    matter_code TEXT, -- 关联事项代码：办理结果为该证照的政务服务事项的代码。标准规定可选。依据 GB/T 36902-2018（仅见一处来源）
    source_updated_datetime TEXT -- 数据更新时间：源系统中该记录最近一次更新的时间，北京时间。标准规定必备。依据 GB/T 7408.1-2023（未见原文）
);
