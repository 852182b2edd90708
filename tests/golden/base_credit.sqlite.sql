CREATE TABLE base_credit ( -- 公共信用
    credit_record_type_code TEXT, -- 信用信息类别代码：信用信息在公共信用信息基础目录中的类别。代码表 credit_record_type。标准规定必备。依据 全国公共信用信息基础目录（未见原文）
    credit_record_number TEXT, -- 信用信息文号：作为信用信息依据的文书的文号，处罚为行政处罚决定书文号。标准规定必备。依据 行政处罚信息公示数据标准 CF_WSH
    credit_subject_type_code TEXT, -- 行政相对人类别代码：信用信息所指的主体是组织、个人还是个体工商户。代码表 credit_subject_type。标准规定必备。依据 行政处罚信息公示数据标准 CF_XDR_LB
    unified_social_credit_code TEXT, -- 统一社会信用代码：登记管理部门赋予法人和其他组织的唯一代码。标准规定必备。依据 GB 32100-2015 GB/T 36104-2018 tyshxydm
    organization_name TEXT, -- 机构名称：登记管理部门核准的机构全称。标准规定必备。依据 GB/T 36104-2018 jgmc（仅见一处来源）
    organization_code TEXT, -- 组织机构代码：统一社会信用代码的第9至17位；2015年前单独赋码。标准规定可选。依据 GB 11714-1997 GB/T 36104-2018 zzjgdm
    registration_number TEXT, -- 注册号：工商行政管理注册号；2015年10月起为统一社会信用代码所代替。标准规定可选。依据 GS 15-2006 GB/T 36104-2018 zch
    taxpayer_number TEXT, -- 纳税人识别号：税务机关用来识别纳税人的号码，多数与统一社会信用代码相同。标准规定可选。依据 税务登记管理办法（未见原文）
    legal_representative_name TEXT, -- 法定代表人姓名：法定代表人或负责人的姓名。标准规定可选。依据 GB/T 36104-2018 fddbrxm（仅见一处来源）
    credit_authority_name TEXT, -- 信用信息认定机关：作出处罚等决定的机关全称。标准规定必备。依据 行政处罚信息公示数据标准 CF_CFJG
    credit_authority_code TEXT, -- 信用信息认定机关代码：作出决定的机关的统一社会信用代码。标准规定必备。依据 行政处罚信息公示数据标准 CF_CFJGDM
    credit_decided_date DATE, -- 决定日期：作出处罚等决定的日期。标准规定必备。依据 行政处罚信息公示数据标准 CF_JDRQ
    credit_valid_to_date DATE, -- 处罚有效期：决定的效力截止日期，长期为 9999-12-31。标准规定必备。依据 行政处罚信息公示数据标准 CF_YXQ
    credit_disclosed_to_date DATE, -- 公示截止期：信用信息公示的截止日期。标准规定必备。依据 行政处罚信息公示数据标准 CF_GSJZQ
    penalty_behavior TEXT, -- 违法行为类型：违反的规定或违法行为的类型。标准规定可选。依据 行政处罚信息公示数据标准 CF_WFXW
    penalty_facts TEXT, -- 违法事实：认定的违法事实，可能提到个人。标准规定可选。依据 行政处罚信息公示数据标准 CF_WFSS（仅见一处来源）
    penalty_basis TEXT, -- 处罚依据：处罚所依据的法律条款。标准规定可选。依据 行政处罚信息公示数据标准 CF_YJ
    penalty_kinds TEXT, -- 处罚类别：行政处罚法第九条所列的处罚种类，多种以分号连接。标准规定可选。依据 行政处罚信息公示数据标准 CF_CFLB
    penalty_content TEXT, -- 处罚内容：处罚决定的主要内容，可能提到个人。标准规定可选。依据 行政处罚信息公示数据标准 CF_NR
    penalty_fine_amount TEXT, -- 罚款金额：罚款金额，以万元计，后接币种。标准规定可选。依据 行政处罚信息公示数据标准 CF_NR_FK
    penalty_confiscated_amount TEXT, -- 没收金额：没收违法所得、非法财物的金额，以万元计，后接币种。标准规定可选。依据 行政处罚信息公示数据标准 CF_NR_WFFF
    penalty_license TEXT, -- 暂扣或吊销证照名称及编号：被暂扣或吊销的证照的名称和编号。标准规定可选。依据 行政处罚信息公示数据标准 CF_NR_ZKDX
    credit_supplier_name TEXT, -- 数据来源单位：归集此信用信息的单位全称。标准规定必备。依据 行政处罚信息公示数据标准 CF_SJLY
    credit_supplier_code TEXT, -- 数据来源单位统一社会信用代码：归集此信用信息的单位的统一社会信用代码。标准规定必备。依据 行政处罚信息公示数据标准 CF_SJLYDM
    credit_remark TEXT, -- 信用信息备注：其他需要说明的情况。标准规定可选。依据 行政处罚信息公示数据标准 BZ
    source_updated_datetime TEXT -- 数据更新时间：源系统中该记录最近一次更新的时间，北京时间。标准规定必备。依据 GB/T 7408.1-2023（未见原文）
);
