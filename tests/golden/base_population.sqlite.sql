CREATE TABLE base_population ( -- 人口
    resident_id TEXT, -- 公民身份号码：公安机关给每个公民终身不变的身份代码。标准规定必备。依据 GB 11643-1999
    person_name TEXT, -- 姓名：户口登记机关登记的姓名。标准规定必备。依据 民委发〔2016〕33号
    former_name TEXT, -- 曾用名：户口登记机关登记的曾经使用过的姓名。标准规定可选。依据 GA/T 1218-2015（仅见一处来源）
    person_name_pinyin TEXT, -- 姓名汉语拼音：姓名的汉语拼音，大写，姓和名之间空一格。标准规定可选。依据 GB/T 28039-2011（未见原文）
    sex_code TEXT, -- 性别代码：人的性别。代码表 sex。标准规定必备。依据 GB/T 2261.1-2003
    ethnic_group_code TEXT, -- 民族代码：公民的民族成份。代码表 ethnic_group。标准规定必备。依据 GB/T 3304-1991
    birth_date DATE, -- 出生日期：人出生的日期。标准规定必备。依据 GB/T 7408.1-2023（未见原文）
    birth_division_code TEXT, -- 出生地行政区划代码：出生地县级以上行政区划，出生时有效的代码。代码表 division。标准规定可选。依据 GB/T 2260-2007
    native_place_division_code TEXT, -- 籍贯行政区划代码：祖居地县级以上行政区划，现行代码。代码表 division。标准规定可选。依据 GB/T 2260-2007
    nationality_code TEXT, -- 国籍：人所属的国家或地区，三位字母代码。代码表 nationality。标准规定必备。依据 GB/T 2659.1-2022
    identity_document_type_code TEXT, -- 证件类型：证明身份的证件的种类。代码表 identity_document_type。标准规定必备。依据 GA/T 517-2004 常用证件代码（仅见一处来源）
    identity_document_number TEXT, -- 证件号码：证明身份的证件的号码。标准规定必备。依据 GA/T 1218-2015（仅见一处来源）
    identity_document_valid_from_date DATE, -- 证件有效期起始日期：证件开始有效的日期。标准规定可选。依据 GB/T 7408.1-2023（未见原文）
    identity_document_valid_to_date DATE, -- 证件有效期截止日期：证件有效的最后日期，长期有效为 9999-12-31。标准规定可选。依据 GB/T 7408.1-2023（未见原文）
    identity_document_issuer_name TEXT, -- 证件签发机关：签发证件的机关名称。标准规定可选。依据 GA/T 1218-2015（仅见一处来源）
    household_type_code TEXT, -- 户籍类别：户口登记的类别；2014年起新登记不再区分农业与非农业。代码表 household_type。标准规定可选。依据 GA 324.1-2001 户口类别代码（仅见一处来源）
    household_number TEXT, -- 户号：户口登记机关给一户编排的号码。标准规定可选。依据 GA/T 1218-2015（仅见一处来源）
    family_relationship_code TEXT, -- 与户主关系：人与户主的家庭关系，两位代码。代码表 family_relationship。标准规定可选。依据 GB/T 4761-2008 两位代码
    household_division_code TEXT, -- 户籍地行政区划代码：户口登记地的县级以上行政区划，现行代码。代码表 division。标准规定必备。依据 GB/T 2260-2007
    household_address TEXT, -- 户籍地详细地址：户口登记的详细地址。标准规定必备。依据 GA/T 1218-2015（仅见一处来源）
    household_authority_code TEXT, -- 户口登记机关代码：办理户口登记的公安机关的机构代码。标准规定可选。依据 GA/T 380（未见原文）
    residence_division_code TEXT, -- 现居住地行政区划代码：现居住地县级以上行政区划，现行代码。代码表 division。标准规定可选。依据 GB/T 2260-2007
    residence_address TEXT, -- 现居住地详细地址：人现在居住的详细地址。标准规定可选。依据 GA/T 1218-2015（仅见一处来源）
    residence_registered_date DATE, -- 居住登记日期：办理居住登记的日期。标准规定可选。依据 GB/T 7408.1-2023（未见原文）
    marital_status_code TEXT, -- 婚姻状况代码：人的婚姻状况。代码表 marital_status。标准规定可选。依据 GB/T 2261.2-2003
    spouse_resident_id TEXT, -- 配偶公民身份号码：配偶的公民身份号码。标准规定可选。依据 GB 11643-1999
    marriage_registered_date DATE, -- 结婚登记日期：办理结婚登记的日期。标准规定可选。依据 GB/T 7408.1-2023（未见原文）
    education_code TEXT, -- 学历代码：受教育的最高程度。代码表 education。标准规定可选。依据 GB/T 4658-2006
    employment_status_code TEXT, -- 从业状况代码：人的从业状况或个人身份。代码表 employment_status。标准规定可选。依据 GB/T 2261.4-2003 从业状况（个人身份）
    employer_name TEXT, -- 工作单位名称：人所在工作单位的全称。标准规定可选。依据 GB/T 36104-2018（仅见一处来源）
    employer_credit_code TEXT, -- 工作单位统一社会信用代码：人所在工作单位的统一社会信用代码。标准规定可选。依据 GB 32100-2015
    social_security_card_number TEXT, -- 社会保障卡号：社会保障卡卡面号码。标准规定可选。依据 LD/T 32（未见原文）
    disability_certificate_number TEXT, -- 残疾人证号：公民身份号码加残疾类别一位、残疾等级一位。标准规定可选。依据 残疾人证管理办法（未见原文）
    phone_number TEXT, -- 联系电话：与本人联系的移动或固定电话号码。标准规定可选。依据 工信部电信网编号计划（未见原文）
    father_resident_id TEXT, -- 父亲公民身份号码：父亲的公民身份号码。标准规定可选。依据 GB 11643-1999
    mother_resident_id TEXT, -- 母亲公民身份号码：母亲的公民身份号码。标准规定可选。依据 GB 11643-1999
    birth_certificate_number TEXT, -- 出生医学证明编号：出生医学证明上的编号，一个字母加九位数字。标准规定可选。依据 出生医学证明管理规定（未见原文）
    death_flag TEXT, -- 死亡标识：人是否已死亡。代码表 flag。标准规定必备。依据 GA/T 1218-2015（仅见一处来源）
    death_date DATE, -- 死亡日期：人死亡的日期。标准规定可选。依据 GB/T 7408.1-2023（未见原文）
    household_cancelled_date DATE, -- 户籍注销日期：注销户口的日期。标准规定可选。依据 GB/T 7408.1-2023（未见原文）
    photo_reference TEXT, -- 照片标识：照片在源系统中的标识；照片本身不交换。标准规定可选。依据 GA/T 490（未见原文）
    source_updated_datetime TEXT -- 数据更新时间：源系统中该记录最近一次更新的时间，北京时间。标准规定必备。依据 GB/T 7408.1-2023（未见原文）
);
